-- SESSION_SECRET signs the cookies: set it, long and random, where it matters;
-- with another one, nobody is logged in any more.
return {
  main = "main.lua",
  vars = { SECRET = os.getenv "SESSION_SECRET" or "only for development" },
}
