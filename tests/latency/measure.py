#!/usr/bin/env python3
"""Measures what a person waits for: times requests over the real language server and prints p50 and p99 as a table.

usage: measure.py LIMPID_BINARY LIMPID_HOME [ROUNDS]

Every request travels through a pipe to `limpid lsp --standalone`, so the figures hold the protocol and the JSON too. Cold means a
prompt of which no prefix was seen; warm, one that was asked about before.
"""

import itertools
import json
import os
import subprocess
import sys
import time

# Public domain: the opening of "A Tale of Two Cities" and of "Moby Dick", cut to lengths in tokens below.
TEXT = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
    "it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of "
    "Darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had nothing "
    "before us, we were all going direct to Heaven, we were all going direct the other way. Call me Ishmael. Some years "
    "ago, never mind how long precisely, having little or no money in my purse, and nothing particular to interest me on "
    "shore, I thought I would sail about a little and see the watery part of the world. It is a way I have of driving off "
    "the spleen and regulating the circulation. Whenever I find myself growing grim about the mouth; whenever it is a damp, "
    "drizzly November in my soul; whenever I find myself involuntarily pausing before coffin warehouses, and bringing up "
    "the rear of every funeral I meet, then I account it high time to get to sea as soon as I can. "
)


class Server:
    def __init__(self, binary: str, home: str):
        self.process = subprocess.Popen(
            [binary, "lsp", "--standalone"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "LIMPID_HOME": home},
        )
        self.ids = itertools.count(1)
        self.ask("initialize", {"capabilities": {}})
        self.tell("initialized", {})

    def send(self, message: dict) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def read(self) -> dict:
        length = 0
        while (line := self.process.stdout.readline().strip()):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if not length:
            raise SystemExit("the server closed its stream")
        return json.loads(self.process.stdout.read(length))

    def tell(self, method: str, params: dict) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, params: dict, on_progress=None) -> object:
        number = next(self.ids)
        self.send({"id": number, "method": method, "params": params})
        while True:
            message = self.read()
            if "method" in message:
                if "id" in message:
                    self.send({"id": message["id"], "result": None})
                elif on_progress and message["method"] == "$/progress":
                    on_progress()
            elif message["id"] == number:
                if "error" in message:
                    raise SystemExit(f"{method}: {message['error']['message']}")
                return message["result"]

    def open(self, uri: str, text: str) -> None:
        document = {"uri": uri, "languageId": "plaintext", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})


def timed(work) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def percentile(times: list, share: float) -> float:
    times = sorted(times)
    return times[min(len(times) - 1, int(len(times) * share))]


def prompt_of(n_tokens: int, serial: int) -> str:
    # English has about .22 tokens a character here; the serial in front makes every prompt new from its second token on.
    text = f"{serial} " + TEXT * (n_tokens // 150 + 2)
    return text[: int(n_tokens * 4.15)].rstrip()


def main() -> int:
    binary, home = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 30
    server = Server(binary, home)
    server.ask("limpid/models", {"action": "load"})
    rows = {}

    def row(name: str, work) -> None:
        rows.setdefault(name, []).append(timed(work))

    def subject(uri: str, version: int = 1) -> dict:
        return {"subject": {"prompt": {"uri": uri, "version": version}}}

    def hover(uri: str) -> None:
        at = {"line": 0, "character": 60}
        server.ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": at})

    def inlay(uri: str, end: int) -> None:
        span = {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": end}}
        server.ask("textDocument/inlayHint", {"textDocument": {"uri": uri}, "range": span})

    lengths = {}
    for serial in range(rounds + 2):
        if serial == 2:
            # Two rounds warm the machine up.
            rows.clear()
        for n_tokens in (64, 128, 512):
            uri = f"file:///{n_tokens}-{serial}.txt"
            text = prompt_of(n_tokens, serial * 1000 + n_tokens)
            server.open(uri, text)
            row(f"inlay, cold, {n_tokens}", lambda: inlay(uri, len(text)))
            row(f"inlay, warm, {n_tokens}", lambda: inlay(uri, len(text)))
            row(f"routes, cold, {n_tokens}", lambda: server.ask("limpid/routes", subject(uri)))
            row(f"routes, warm, {n_tokens}", lambda: server.ask("limpid/routes", subject(uri)))
            row(f"hover, cold, {n_tokens}", lambda: hover(uri))
            row(f"hover, warm, {n_tokens}", lambda: hover(uri))
            tokens = server.ask("limpid/tokens", subject(uri))
            lengths.setdefault(n_tokens, []).append(len(tokens["token_table"]))
            if n_tokens == 512:
                edit = {
                    "textDocument": {"uri": uri, "version": 2},
                    "contentChanges": [{
                        "range": {"start": {"line": 0, "character": len(text) - 3}, "end": {"line": 0, "character": len(text)}},
                        "text": " and",
                    }],
                }

                def edited() -> None:
                    server.tell("textDocument/didChange", edit)
                    inlay(uri, len(text) + 1)

                row("inlay after an edit at the end of 512", edited)
            server.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
    print(f"{rounds} rounds; prompts of {', '.join(str(sorted(n)[len(n) // 2]) for n in lengths.values())} tokens\n")
    print("| milliseconds | p50 | p99 |\n|---|---|---|")
    for name, times in rows.items():
        print(f"| {name} | {percentile(times, .5):.1f} | {percentile(times, .99):.1f} |")
    continuations(server, rounds)
    return 0


def continuations(server: Server, rounds: int) -> None:
    first, speed = [], []
    for serial in range(max(rounds // 3, 3)):
        uri = f"file:///continue-{serial}.txt"
        server.open(uri, prompt_of(128, 90_000 + serial))
        seen = []
        params = {
            "subject": {"prompt": {"uri": uri, "version": 1}}, "max_tokens": 64, "partial_result_token": f"p{serial}",
        }
        start = time.perf_counter()
        answer = server.ask("limpid/continue", params, lambda: seen.append(time.perf_counter()))
        if not seen:
            raise SystemExit("limpid/continue did not stream")
        first.append((seen[0] - start) * 1e3)
        tokens = len(answer["view"]["tokens"])
        if tokens > 8:
            speed.append((tokens - 1) / (time.perf_counter() - seen[0]))
        server.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
    print(f"| first token of a continuation, 128, cold | {percentile(first, .5):.1f} | {percentile(first, .99):.1f} |")
    print(f"\ncontinuing: {percentile(speed, .5):.1f} tokens a second (median of {len(speed)})")


if __name__ == "__main__":
    sys.exit(main())
