//! Jinja as transformers sets it up for chat templates: the same block trimming, loop controls, functions, filter and Python
//! methods, and a bound on the work.
//!
//! *Source*: transformers, `utils/chat_template_utils.py`, `_compile_jinja_template`.

use crate::chat_template::{ChatTemplate, bounded_code, python_json::to_json};
use minijinja::{
    Environment, Error, ErrorKind, State, context,
    formatting::{FormatStyle, format},
    syntax::SyntaxConfig,
    value::{Kwargs, Rest, Value, ValueOrKwargs, from_args},
};

/// Steps that a template may take: a hundred for each of ten thousand messages. Text that it makes costs a step for 64 bytes, so
/// this bounds memory too.
const FUEL: u64 = 1_000_000;

/// Values in a list or map that a template makes, beside those of the messages.
const MAX_VALUES: usize = 1 << 16;
/// Values of a message as it is written: itself, names and texts.
const VALUES_A_MESSAGE: usize = 8;
/// Bytes of a number in a format, at most.
const MAX_WIDTH_DIGITS: usize = 4;

/// Bytes of a tag, texts in quotes apart.
const MAX_TAG_BYTES: usize = 4096;

/// Renders messages of (role, content) and, where the last is not the assistant's, the start of its answer.
///
/// # Errors
/// What is wrong with the template, in one line with its place.
pub(super) fn render(template: &ChatTemplate, messages: &[(&str, &str)]) -> Result<String, String> {
    // Every byte of a message may be copied as often as templates do, some dozens of times.
    let n_bytes: usize = messages.iter().map(|(_, content)| content.len()).sum();
    if has_long_tag(&template.text) {
        return Err(format!("has a tag of more than {MAX_TAG_BYTES} bytes; shorten it"));
    }
    let today = template.today.clone();
    let environment = environment(FUEL + n_bytes as u64, today);
    let n_values = MAX_VALUES + n_bytes + VALUES_A_MESSAGE * messages.len();
    let messages: Vec<Value> =
        messages.iter().map(|&(role, content)| context! { role, content }).collect();
    let answers = messages.last().is_some_and(|message| {
        message.get_attr("role").is_ok_and(|role| role.as_str() == Some("assistant"))
    });
    let context = context! {
        messages,
        add_generation_prompt => !answers,
        bos_token => template.bos.as_str(),
        eos_token => template.eos.as_str(),
        tools => (),
        documents => (),
    };
    let source = without_generation_marks(&template.text);
    let blocks = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    let blocks = blocks.map_err(|e| told(&e))?;
    bounded_code::render(environment, &source, blocks, context, n_values).map_err(|e| told(&e))
}

fn environment(fuel: u64, today: Option<String>) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(fuel));
    minijinja_contrib::add_to_environment(&mut environment);
    environment.set_unknown_method_callback(python_method);
    environment.add_filter("tojson", to_json);
    environment.add_filter(
        "format",
        |state: &State<'_, '_>, text: &str, args: Rest<ValueOrKwargs>| {
            paid_format(state, FormatStyle::Printf, text, &args.into_values())
        },
    );
    // Jinja has none, and minijinja's looks through all that it chains at every step.
    environment.remove_filter("chain");
    // minijinja's own writes all that there is.
    environment.add_function("debug", || -> Result<String, Error> {
        Err(Error::new(ErrorKind::UnknownFunction, "debug is unknown"))
    });
    environment.add_function("raise_exception", |message: String| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_function("strftime_now", move |format: String| -> Result<String, Error> {
        let written = match &today {
            Some(day) => day
                .parse::<jiff::civil::Date>()
                .and_then(|day| jiff::fmt::strtime::format(&format, day.at(0, 0, 0, 0))),
            None => jiff::fmt::strtime::format(&format, &jiff::Zoned::now()),
        };
        written.map_err(|e| Error::new(ErrorKind::InvalidOperation, format!("strftime_now: {e}")))
    });
    environment
}

/// Whether a tag is so long, texts in quotes apart, that reading it may take more stack than there is: the parser recurses.
fn has_long_tag(template: &str) -> bool {
    let bytes = template.as_bytes();
    let mut at = 0;
    while let Some(open) = template[at..].find("{") {
        at += open + 1;
        let close: &[u8] = match bytes.get(at) {
            Some(b'{') => b"}}",
            Some(b'%') => b"%}",
            Some(b'#') => {
                at = template[at..].find("#}").map_or(bytes.len(), |end| at + end + 2);
                continue;
            }
            _ => continue,
        };
        let mut n_bytes = 0;
        let mut quote: Option<u8> = None;
        at += 1;
        while at < bytes.len() {
            let byte = bytes[at];
            match quote {
                Some(_) if byte == b'\\' => at += 1,
                Some(open) => quote = (byte != open).then_some(open),
                None if bytes[at..].starts_with(close) => break,
                None => {
                    quote = matches!(byte, b'"' | b'\'').then_some(byte);
                    n_bytes += 1;
                }
            }
            at += 1;
        }
        if n_bytes > MAX_TAG_BYTES {
            return true;
        }
        at = template.ceil_char_boundary(at.min(bytes.len()));
    }
    false
}

/// Formats, where what it may write can be paid for.
fn paid_format(
    state: &State<'_, '_>,
    style: FormatStyle,
    text: &str,
    args: &[Value],
) -> Result<String, Error> {
    let field = |field: &str| match style {
        FormatStyle::StrFormat => field.split('}').next().unwrap_or_default().to_owned(),
        FormatStyle::Printf => {
            let named = field.strip_prefix('(').and_then(|named| named.split_once(')'));
            let spec = named.map_or(field, |(_, spec)| spec);
            spec.chars().take_while(|c| !c.is_alphabetic()).collect()
        }
    };
    let opening = if style == FormatStyle::StrFormat { '{' } else { '%' };
    let fields: Vec<String> = text.split(opening).skip(1).map(field).collect();
    let is_wide = |digits: &str| digits.len() > MAX_WIDTH_DIGITS;
    if fields.iter().any(|field| field.split(|c: char| !c.is_ascii_digit()).any(is_wide)) {
        let problem = "format: a width of more than 9999";
        return Err(Error::new(ErrorKind::InvalidOperation, problem));
    }
    let n_bytes = |arg: &Value| arg.as_str().map_or_else(|| arg.to_string().len(), str::len);
    let longest = args.iter().map(n_bytes).max().unwrap_or(0);
    let widest = 10_usize.pow(MAX_WIDTH_DIGITS as u32);
    state.consume_fuel((fields.len().saturating_mul(longest + widest) / 64) as u64)?;
    format(style, text, args)
}

/// Methods of Python's strings that minijinja's own stand-ins lack.
fn python_method(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    let Some(text) = value.as_str() else {
        return minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args);
    };
    match method {
        "format" => paid_format(state, FormatStyle::StrFormat, text, args).map(Value::from),
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            Ok(text.strip_prefix(prefix).unwrap_or(text).into())
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            Ok(text.strip_suffix(suffix).unwrap_or(text).into())
        }
        "partition" | "rpartition" => {
            let (divider,): (&str,) = from_args(args)?;
            let last = method == "rpartition";
            let cut = if last { text.rsplit_once(divider) } else { text.split_once(divider) };
            Ok(texts(match cut {
                Some((before, after)) => vec![before, divider, after],
                None if last => vec!["", "", text],
                None => vec![text, "", ""],
            }))
        }
        "rsplit" => {
            let (divider, n, _): (&str, Option<usize>, Kwargs) = from_args(args)?;
            let mut pieces: Vec<&str> = match n {
                Some(n) => text.rsplitn(n.saturating_add(1), divider).collect(),
                None => text.rsplit(divider).collect(),
            };
            pieces.reverse();
            Ok(texts(pieces))
        }
        _ => minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args),
    }
}

fn texts(texts: Vec<&str>) -> Value {
    Value::from_iter(texts.into_iter().map(Value::from))
}

/// `{% generation %}` marks the assistant's words for training and writes nothing; minijinja has no such block.
fn without_generation_marks(template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find("{%") {
        let (before, block) = rest.split_at(start);
        out.push_str(before);
        let Some(end) = block.find("%}") else {
            rest = block;
            break;
        };
        let (tag, after) = block.split_at(end + 2);
        let word = tag[2..end].trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '+');
        match word {
            "generation" => out.push_str(&tag.replace("generation", "if true")),
            "endgeneration" => out.push_str(&tag.replace("endgeneration", "endif")),
            _ => out.push_str(tag),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The error on one line, with its place in the template.
fn told(error: &Error) -> String {
    if error.kind() == ErrorKind::OutOfFuel {
        return "takes more steps than any chat needs".to_owned();
    }
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let what: String = what.split_whitespace().collect::<Vec<_>>().join(" ");
    match error.line() {
        Some(line) => format!("line {line}: {what}"),
        None => what,
    }
}
