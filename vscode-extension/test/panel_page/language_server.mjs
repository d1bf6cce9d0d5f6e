// A language server's pipe, as small as recording answers needs: framing, requests, partial results.
// What must not live here: which requests are recorded.
import { spawn } from "node:child_process";

/** Starts `limpid lsp --standalone`; `ask` resolves with the result, and hands each `$/progress` value to `onPartial`. */
export function startServer(binary, home) {
  const child = spawn(binary, ["lsp", "--standalone"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, LIMPID_HOME: home },
  });
  const waiting = new Map();
  const partials = new Map();
  let buffer = Buffer.alloc(0);
  let last = 0;
  const send = (message) => {
    const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
    child.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    child.stdin.write(body);
  };
  const take = (message) => {
    if (message.method !== undefined) {
      if (message.id !== undefined) send({ id: message.id, result: null });
      if (message.method === "$/progress") partials.get(message.params.token)?.(message.params.value);
      return;
    }
    const { resolve, reject } = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) reject(new Error(message.error.message));
    else resolve(message.result);
  };
  child.stdout.on("data", (bytes) => {
    buffer = Buffer.concat([buffer, bytes]);
    for (;;) {
      const end = buffer.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/content-length: *(\d+)/i.exec(buffer.subarray(0, end).toString())[1]);
      if (buffer.length < end + 4 + length) return;
      const body = buffer.subarray(end + 4, end + 4 + length).toString();
      buffer = buffer.subarray(end + 4 + length);
      take(JSON.parse(body));
    }
  });
  const ask = (method, params, onPartial) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      if (onPartial) partials.set(params.partial_result_token, onPartial);
      send({ id, method, params });
    });
  return {
    ask,
    tell: (method, params) => send({ method, params }),
    stop: () => child.kill(),
  };
}
