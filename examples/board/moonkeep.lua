return {
  main = "main.lua",
  listen = "127.0.0.1:8787",
  data = ".moonkeep",
  vars = {
    -- Objects that the players of one game are spread over.  Fixed once there
    -- are scores: a player is looked for in the shard that the name leads to.
    shards = 4,
  },
}
