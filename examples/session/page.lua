-- The page, made by the server: it works without a script.
local FRAME = [==[
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Session</title>
<style>
  :root { color-scheme: light dark; }
  body { margin: 0 auto; max-width: 24rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; }
  label { display: block; margin-bottom: .6rem; }
  input, button { font: inherit; padding: .4rem .7rem; border-radius: .5rem; border: 1px solid #888; }
  input { display: block; width: 100%; box-sizing: border-box; }
</style>
<h1>Session</h1>
<p role="status">MESSAGE</p>
BODY
</html>
]==]

local OUT = [==[
<form method="post" action="/login">
  <label>name <input name="name" required maxlength="32" autocomplete="username"></label>
  <label>password <input name="password" type="password" required minlength="8" autocomplete="current-password"></label>
  <button>Log in</button> <button formaction="/register">Register</button>
</form>]==]

local IN = [==[
<form method="post" action="/logout">
  <button>Log out</button> <button formaction="/logout-everywhere">Log out everywhere</button>
</form>]==]

-- `message` is ours, and `account` was checked: nothing in them is HTML.
return function(message, account)
  local parts = {
    MESSAGE = message or account and "You are " .. account .. "." or "You are not logged in.",
    BODY = account and IN or OUT,
  }
  return (FRAME:gsub("MESSAGE", parts):gsub("BODY", parts))
end
