-- Passwords are kept as PBKDF2-HMAC-SHA-256 (RFC 8018) of them and a random
-- salt: who reads the database has to try.
local mk = require "moonkeep"

local ROUNDS = 20000

local password = {}

-- The first block, which for SHA-256 has 32 bytes.
local function derive(text, salt, rounds)
  local hmac, unpack = mk.crypto.hmac, string.unpack
  local block = hmac("SHA-256", text, salt .. "\0\0\0\1")
  local a, b, c, d = unpack("<i8i8i8i8", block)
  for _ = 2, rounds do
    block = hmac("SHA-256", text, block)
    local e, f, g, h = unpack("<i8i8i8i8", block)
    a, b, c, d = a ~ e, b ~ f, c ~ g, d ~ h
  end
  return string.pack("<i8i8i8i8", a, b, c, d)
end

-- A table that fits() takes; `rounds` are kept with it, so that they may grow.
function password.hash(text)
  local salt = mk.crypto.randomBytes(16)
  return { salt = salt, rounds = ROUNDS, hash = derive(text, salt, ROUNDS) }
end

function password.fits(text, kept)
  return mk.crypto.timingSafeEqual(derive(text, kept.salt, kept.rounds), kept.hash)
end

return password
