return {
  main = "main.lua",
  listen = "127.0.0.1:8787",
  data = ".moonkeep",
  vars = {
    -- What stands behind the limiter.
    upstream = os.getenv "UPSTREAM" or "http://127.0.0.1:8080",
    -- Requests a minute in the long run, and at once after a pause.
    anonymous = { perMinute = 60, burst = 10 },
    -- Clients that show one of these as X-Api-Key have a bucket of their own.
    keys = {
      ["demo-key"] = { perMinute = 600, burst = 50 },
    },
  },
}
