-- Optional; these are the defaults.
return {
  main = "main.lua",
  listen = "127.0.0.1:8787",
  data = ".moonkeep",
  workers = 0, -- one per core
}
