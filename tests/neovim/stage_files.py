"""Files that only sessions need, too odd or too large to be kept. What must not live here: prompts that a person would read."""

from stage import words

# Precomposed and combining marks, two cells wide, more than one byte a token, right to left, tabs, a control character, a long dash.
MULTIBYTE = "Café cafe\u0301 naïve — “Zürich” 日本語のテキスト 👩‍👩‍👧‍👦 ñandú שלום\tTab\x01 The capital of Japan is\n"

FILES = {
    "multibyte.prompt": MULTIBYTE.encode(),
    "dos.prompt": b"Rome is in Italy.\r\nParis is in\r\n",
    "latin1.prompt": "Der Käse schmeckt süß und".encode("latin-1") + b"\n",
    "wrapped.prompt": (words(120) + "\n").encode(),
    "folded.prompt": ("\n".join(f"Line {at}: {words(6, at + 1)}" for at in range(1, 13)) + "\nThe answer is\n").encode(),
    "unbroken.prompt": b"abcdefghij" * 10_000,
    "huge.prompt": ((words(20) + "\n") * 90_000).encode(),
    "five_thousand.prompt": ("\n".join(words(9, at + 1) for at in range(4999)) + "\nThe end is\n").encode(),
    "binary.prompt": bytes((at * 167) % 256 for at in range(65_536)),
    "empty.prompt": b"",
}
