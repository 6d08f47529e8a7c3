// Drives a server with Node's WebSocket: the global one, else undici's, which
// is the same.
//
//   node ws_node.js VERB URL [ARGUMENT ...]
//
// Each verb prints JSON, one object a line; ws_python.py has the same ones.
"use strict";
const Socket = globalThis.WebSocket || require("undici").WebSocket;

const MIB = 1 << 20;
const SIZES = [0, 1, 125, 126, 65535, 65536, MIB, 32 * MIB];

function tell(fields) {
  process.stdout.write(JSON.stringify(fields) + "\n");
}

const sleep = ms => new Promise(done => setTimeout(done, ms));

// A socket whose messages are read one by one.
class Client {
  constructor(url, protocols) {
    this.news = [];
    this.readers = [];
    this.socket = new Socket(url, protocols);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = event => {
      const reader = this.readers.shift();
      if (reader) reader.resolve(event.data);
      else this.news.push(event.data);
    };
    this.closed = new Promise(done => {
      this.socket.onclose = event => {
        done(event);
        this.isClosed = true;
        for (const reader of this.readers) reader.reject(new Error("closed"));
      };
    });
  }

  static async connect(url, protocols) {
    const client = new Client(url, protocols);
    await new Promise((done, fail) => {
      client.socket.onopen = done;
      // Of a refused one undici 6 tells the error alone.
      client.socket.onerror = () => fail(new Error("refused"));
    });
    return client;
  }

  send(message) { this.socket.send(message); }

  read() {
    if (this.news.length) return Promise.resolve(this.news.shift());
    if (this.isClosed) return Promise.reject(new Error("closed"));
    return new Promise((resolve, reject) => this.readers.push({ resolve, reject }));
  }

  ask(message) {
    this.send(message);
    return this.read();
  }
}

function pattern(size, isBinary) {
  const unit = isBinary ? Buffer.from(Array.from({ length: 251 }, (_, i) => i)) : "0123456789\n";
  const bytes = Buffer.alloc(size, unit);
  return isBinary ? bytes : bytes.toString();
}

async function same(client, message) {
  const answer = await client.ask(message);
  return typeof message === "string" ? answer === message
    : answer instanceof ArrayBuffer && Buffer.from(answer).equals(message);
}

async function ended(client) {
  const event = await client.closed;
  tell({ code: event.code, reason: event.reason, clean: event.wasClean });
}

function connectAll(url, count) {
  return Promise.all(Array.from({ length: Number(count) }, () => Client.connect(url)));
}

async function comeBack(url) {
  for (;;) {
    try { return await Client.connect(url); } catch { await sleep(20); }
  }
}

async function counter(url, started) {
  const client = await Client.connect(url);
  let last = Number(await client.ask("add"));
  started.push(url);
  try {
    for (;;) {
      last = Number(await client.ask("add"));
      await sleep(10);
    }
  } catch { /* closed */ }
  const again = await comeBack(url);
  const after = Number(await again.ask("add"));
  again.socket.close();
  return { before: last, after };
}

const verbs = {
  // Messages of every size of head.
  async echo(url) {
    const client = await Client.connect(url);
    tell({ extensions: client.socket.extensions.split(/;.*/).filter(Boolean) });
    for (const kind of ["text", "binary"]) {
      for (const size of SIZES) {
        tell({ kind, size, same: await same(client, pattern(size, kind === "binary")) });
      }
    }
    client.socket.close();
  },

  // One byte more than is allowed.
  async above(url, size) {
    const client = await Client.connect(url);
    client.send(Buffer.alloc(Number(size)));
    await ended(client);
  },

  // Be pinged for a while.
  async ping(url, ms) {
    const client = await Client.connect(url);
    await sleep(Number(ms));
    tell({ same: await same(client, "still") });
    client.socket.close();
  },

  // From here, with each of these codes and reasons, in a room for each.
  async close(url, ...cases) {
    for (let i = 0; i < cases.length; i += 2) {
      const client = await Client.connect(url + i / 2);
      if (cases[i] === "none") client.socket.close();
      else client.socket.close(Number(cases[i]), cases[i + 1]);
      await ended(client);
    }
  },

  // From there, asked by each of these messages.
  async closed(url, ...messages) {
    for (const [i, message] of messages.entries()) {
      const client = await Client.connect(url + i);
      client.send(message);
      await ended(client);
    }
  },

  async protocol(url, ...offered) {
    const client = await Client.connect(url, offered);
    tell({ protocol: client.socket.protocol });
    client.socket.close();
  },

  // All at once: each gets its echo, then what one says to all.
  async many(url, count) {
    const clients = await connectAll(url, count);
    const echoes = await Promise.all(clients.map((client, i) => same(client, String(i))));
    clients[0].send("all hello");
    const heard = await Promise.all(clients.map(client => client.read()));
    tell({ echoes: echoes.filter(Boolean).length, heard: heard.filter(text => text === "hello").length });
    for (const client of clients) client.socket.close();
  },

  // Stay until the other side ends it.
  async hold(url, count) {
    const clients = await connectAll(url, count);
    for (const client of clients) await client.ask("hi");
    tell({ pid: process.pid });
    const codes = {};
    for (const client of clients) {
      const { code } = await client.closed;
      codes[code] = (codes[code] || 0) + 1;
    }
    tell({ codes });
  },

  // Count until the server is gone, and go on once it is back.
  async persist(url, count) {
    const started = [];
    const counters = Array.from({ length: Number(count) }, (_, i) => counter(url + i, started));
    while (started.length < Number(count)) await sleep(5);
    tell({ pid: process.pid });
    for (const done of counters) tell(await done);
  },
};

const [verb, ...words] = process.argv.slice(2);
verbs[verb](...words);
