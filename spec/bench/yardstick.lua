-- The servers that Moonkeep is measured beside.
local process = require "process"

local yardstick = {}

local NGINX = [[
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
worker_processes 1;
daemon off;
pid %s/nginx.pid;
error_log %s/error.log crit;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path %s/body;
  proxy_temp_path %s/proxy;
  fastcgi_temp_path %s/fastcgi;
  uwsgi_temp_path %s/uwsgi;
  scgi_temp_path %s/scgi;
  server {
    listen 127.0.0.1:%d;
    location / {
      content_by_lua_block {
        ngx.header.content_type = "text/plain;charset=UTF-8"
        ngx.header.content_length = 5
        ngx.print("hello")
      }
    }
  }
}
]]

-- nginx with its Lua module, one worker process, answering "hello".
function yardstick.nginx(folder)
  local port = process.free_port()
  process.write(folder .. "/nginx.conf",
    (NGINX:gsub("%%s", folder):gsub("%%d", tostring(port))))
  return process.start(
    ("nginx -p %s -c %s/nginx.conf -e %s/error.log"):format(folder, folder, folder),
    port, folder .. "/nginx.log")
end

-- redis that syncs its append-only file before each answer, without data.
function yardstick.redis(folder)
  local port = process.free_port()
  folder = ("%s/redis-%d"):format(folder, port)
  process.run("mkdir " .. folder)
  return process.start(("redis-server --port %d --bind 127.0.0.1 --dir %s "
    .. "--appendonly yes --appendfsync always --save \"\" "
    .. "--auto-aof-rewrite-percentage 0 --loglevel warning"):format(port, folder),
    port, folder .. "/redis.log")
end

return yardstick
