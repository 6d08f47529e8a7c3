-- The router alone.
return {
  fetch = function()
    return "hello"
  end,
}
