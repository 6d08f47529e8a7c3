-- A TLS server in front of a plain one: nginx, with a certificate of its own
-- authority, both made for one spec.
--
--   local t <close> = tls.start { port = backend.port }
--   os.execute(("CURL_CA_BUNDLE=%s curl https://localhost:%d/"):format(t.ca, t.port))
local socket = require "socket"

local tls = {}
local proxy = {}
proxy.__index = proxy

local CERTIFICATES = [[
cd %s
{
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout ca.key -out ca.pem -days 2 -subj /CN=moonkeep-spec-authority
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout key.pem -out request.pem -subj /CN=localhost
  echo 'subjectAltName=DNS:localhost' >extensions
  openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial \
    -days 2 -extfile extensions -out certificate.pem
} >log 2>&1
]]

local NGINX = [[
daemon off; master_process off; pid %s/pid; error_log %s/errors;
events { worker_connections 512; }
http {
  access_log off; client_max_body_size 0;
  client_body_temp_path %s/body; proxy_temp_path %s/proxy; fastcgi_temp_path %s/fastcgi;
  uwsgi_temp_path %s/uwsgi; scgi_temp_path %s/scgi;
  map $http_upgrade $want_upgrade { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:%d ssl%s;
    ssl_certificate %s/certificate.pem; ssl_certificate_key %s/key.pem;
    %s
    location / {
      proxy_pass http://127.0.0.1:%d; proxy_http_version 1.1;
      proxy_buffering off; proxy_request_buffering off;
      proxy_set_header Host $http_host; proxy_set_header X-Protocol $server_protocol;
      gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $want_upgrade;
    }
  }
}
]]

local function has(command)
  return os.execute("command -v " .. command .. " >/dev/null 2>&1 || test -x /usr/sbin/" .. command) == true
end

-- Whether nginx and openssl are there.
tls.is_there = has "nginx" and has "openssl"

local function free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return math.tointeger(tonumber(port))
end

local function is_listening(port)
  local client = socket.connect("127.0.0.1", port)
  if client then client:close() end
  return client ~= nil
end

-- Serve 127.0.0.1:`options.port` by TLS at `port` of the result, with HTTP/2 if
-- `options.http2`; `options.locations` is text for nginx's configuration.  `ca`
-- is the file of the authority's certificate.
function tls.start(options)
  local pipe = assert(io.popen "mktemp -d -t moonkeep.XXXXXX")
  local folder = pipe:read "l"
  pipe:close()
  local port = free_port()
  assert(os.execute(CERTIFICATES:format(folder)))
  local file = assert(io.open(folder .. "/nginx.conf", "w"))
  local f = folder
  file:write(NGINX:format(f, f, f, f, f, f, f, port, options.http2 and " http2" or "", f, f,
    options.locations or "", options.port))
  file:close()
  return setmetatable({ folder = folder, port = port, ca = folder .. "/ca.pem" }, proxy):restart()
end

-- Start it again after kill().
function proxy:restart()
  local f = self.folder
  self.pipe = assert(io.popen(
    ("echo $$; PATH=$PATH:/usr/sbin exec env -u LD_PRELOAD setpriv --pdeathsig KILL " ..
      "nginx -p %s -c %s/nginx.conf 2>&1"):format(f, f), "r"))
  self.pid = self.pipe:read "n"
  local until_ = socket.gettime() + 20
  while not is_listening(self.port) do
    assert(socket.gettime() < until_, "nginx does not come up")
    socket.sleep(0.01)
  end
  return self
end

-- End it at once, without a word to its peers.
function proxy:kill()
  if not self.pipe then return end
  os.execute(("kill -KILL %d"):format(self.pid))
  self.pipe:close()
  self.pipe = nil
end

function proxy:__close()
  self:kill()
  os.execute("rm -rf " .. self.folder)
end

return tls
