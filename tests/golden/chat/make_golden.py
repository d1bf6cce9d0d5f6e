"""Renders every prompt of messages.json in every template with jinja2, as transformers sets it up, and every expression of
features.txt: rendered.json. Run it in this folder: `python3 make_golden.py`. The templates are ours, in the style of the families they are named after; messages.json was written by
hand from the documents.

Source of the setting: transformers, utils/chat_template_utils.py, `_compile_jinja_template`."""

import datetime
import json
import pathlib

import jinja2
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2026, 11, 25)
BOS, EOS = "<s>", "</s>"


class Generation(Extension):
    """`{% generation %}` writes what is between it and `{% endgeneration %}`."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_same"), [], [], body).set_lineno(line)

    def _same(self, caller):
        return caller()


def raise_exception(message):
    raise TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def render(template, messages):
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = NOW.strftime
    messages = [{"role": role, "content": content} for role, content in messages]
    return environment.from_string(template).render(
        messages=messages,
        tools=None,
        documents=None,
        add_generation_prompt=messages[-1]["role"] != "assistant",
        bos_token=BOS,
        eos_token=EOS,
    )


def result(template, messages):
    try:
        return {"text": render(template, messages)}
    except Exception as error:
        return {"error": str(error)}


def main():
    prompts = json.loads((HERE / "messages.json").read_text())
    rendered = {}
    for path in sorted((HERE / "templates").glob("*.jinja")):
        template = path.read_text().removesuffix("\n")
        of_template = rendered[path.stem] = {}
        for document, contents in prompts.items():
            for index, content in enumerate(contents):
                messages = [["user", content]] if isinstance(content, str) else content
                of_template[f"{document}#{index + 1}"] = result(template, messages)
    chat = [["system", "  be  "], ["user", "hé <b>\n"], ["assistant", "<think>\nx\n</think>\n\ny"]]
    features = (HERE / "features.txt").read_text().split("\n====\n")
    told = [[feature, result(feature, chat)] for feature in features]
    golden = {
        "made_with": f"jinja2 {jinja2.__version__}, {NOW:%Y-%m-%d}",
        "chat": chat,
        "rendered": rendered,
        "features": told,
    }
    (HERE / "rendered.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")


main()
