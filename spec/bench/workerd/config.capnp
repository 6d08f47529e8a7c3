using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .sleepers),
    (name = "data", disk = (path = "%data", writable = true)),
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:%port", http = (), service = "main"),
  ],
);

const sleepers :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-01-01",
  durableObjectNamespaces = [
    (className = "Sleeper", uniqueKey = "Sleeper", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "data"),
  bindings = [(name = "Sleeper", durableObjectNamespace = "Sleeper")],
);
