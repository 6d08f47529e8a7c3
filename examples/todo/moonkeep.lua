return {
  main = "main.lua",
}
