return {
  main = "main.lua",
  listen = "127.0.0.1:8787",
  data = ".moonkeep",
  assets = "public", -- served before the router is asked
}
