// The class of apps/alarm.lua: objects that sleep until their alarm, which
// does one put.  All objects of a process share this module, so they can count.
import { DurableObject } from "cloudflare:workers";

const TOGETHER = 64;
let fired = 0;

export class Sleeper extends DurableObject {
  async sleep(time) {
    await this.ctx.storage.setAlarm(time);
  }

  async alarm() {
    await this.ctx.storage.put("fired", 1);
    fired++;
  }
}

// Set the alarms of the sleepers `from` to `to`, some at a time.
async function fill(env, from, to, time) {
  let next = from;
  const work = async () => {
    while (next <= to) {
      const id = env.Sleeper.idFromName(`sleeper-${next++}`);
      await env.Sleeper.get(id).sleep(time);
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, work));
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const number = (name) => Number(url.searchParams.get(name));
    if (url.pathname === "/fill")
      await fill(env, number("from"), number("to"), number("time"));
    return new Response(String(fired));
  },
};
