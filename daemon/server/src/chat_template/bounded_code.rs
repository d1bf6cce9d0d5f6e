//! Templates whose values are bounded where they come about. minijinja's fuel pays for steps and for text, but not for what is lazy
//! or shared: a list added to itself doubles for one step, and so does whatever is put into a list twice. So behind every
//! instruction that makes a value stands a check, and before those that read a whole value its price.
//!
//! *Source*: minijinja 3.1, `vm/mod.rs` (what each instruction takes and leaves) and `compiler/codegen.rs` (jumps).

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, State,
    machinery::{
        CodeGenerator, Instruction, Instructions, Token, eval, make_string_output, parse, tokenize,
    },
    syntax::SyntaxConfig,
    value::{Value, ValueKind},
};
use std::collections::{BTreeMap, BTreeSet};

/// Names that no template can write.
const CHECKED: &str = "limpid:checked";
const KEPT: &str = "limpid:kept";
const PAID: &str = "limpid:paid";
const TEXT: &str = "limpid:text";
const SLICE: &str = "limpid:slice";
const NAME: &str = "<string>";
/// A variable that is 1.
const ONE: &str = "limpid_one";
/// No place in the caches of filters.
const UNCACHED: u8 = u8::MAX;

/// How deep lists and maps may lie in each other.
const MAX_DEPTH: usize = 64;
/// Values looked at for one step.
const VALUES_A_STEP: usize = 4;
/// Bytes of text that count as one value.
const BYTES_A_VALUE: usize = 64;

/// Renders a template with values of at most `n_values` values each, counted as often as they would be written.
///
/// # Errors
/// Of the template; out of fuel; a value is too large or too deep.
pub(super) fn render(
    mut environment: Environment<'static>,
    source: &str,
    syntax: SyntaxConfig,
    context: Value,
    n_values: usize,
) -> Result<String, Error> {
    environment.add_filter(CHECKED, move |state: &State<'_, '_>, value: Value| {
        checked(state, value, n_values)
    });
    environment.add_filter(KEPT, move |state: &State<'_, '_>, value: Value| {
        let value = checked(state, value, n_values)?;
        match holds_namespace(&value) {
            // It could come to hold itself, and nothing that walks through it would end.
            true => Err(refused("puts a namespace into a namespace")),
            false => Ok(value),
        }
    });
    environment.add_filter(PAID, move |state: &State<'_, '_>, value: Value| {
        pay(state, &value, n_values, Reads::All).map(|()| value)
    });
    // Every filter is paid for by the text that it is given.
    environment.add_filter(TEXT, |value: Value| value);
    environment.add_function(
        SLICE,
        move |state: &State<'_, '_>, value: Value, start: Value, stop: Value, step: Value| {
            checked(state, slice(state, value, start, stop, step)?, n_values)
        },
    );
    environment.add_global(ONE, 1);
    let environment = environment;
    let source = &unfolded(source, &syntax);
    let tree = parse(source, NAME, syntax)?;
    let mut code = CodeGenerator::new(NAME, source);
    code.compile_stmt(&tree);
    let (root, blocks) = code.finish();
    let (root, blocks) = (guarded(&root, source), guarded_blocks(&blocks, source));
    let mut text = String::new();
    let mut out = make_string_output(&mut text);
    eval(&environment, &root, context, &blocks, &mut out, AutoEscape::None)?;
    Ok(text)
}

/// The template with `* limpid_one *` for every `*`: what is written as a product of literals is a value of its own before any
/// instruction is, and a list a million million times would be looked through there.
fn unfolded(source: &str, syntax: &SyntaxConfig) -> String {
    let mut unfolded = String::with_capacity(source.len());
    let mut at = 0;
    let mut begins_argument = false;
    // What cannot be read is left for the parser to complain about.
    for (token, span) in tokenize(source, false, syntax.clone()).map_while(Result::ok) {
        if matches!(token, Token::Mul) && !begins_argument {
            let end = span.end_offset as usize;
            unfolded.push_str(source.get(at..end).unwrap_or_default());
            unfolded.push_str(&format!(" {ONE} *"));
            at = end;
        }
        // There it stands for the items of a list.
        begins_argument = matches!(token, Token::ParenOpen | Token::Comma);
    }
    unfolded.push_str(source.get(at..).unwrap_or_default());
    unfolded
}

fn guarded_blocks<'a>(
    blocks: &BTreeMap<&'a str, Instructions<'a>>,
    source: &'a str,
) -> BTreeMap<&'a str, Instructions<'a>> {
    blocks.iter().map(|(name, code)| (*name, guarded(code, source))).collect()
}

/// The same instructions with checks between them.
fn guarded<'a>(code: &Instructions<'a>, source: &'a str) -> Instructions<'a> {
    let mut guarded = Instructions::new(code.name(), source);
    // Where each instruction begins now; behind the last one may be jumped to as well.
    let mut places = vec![0];
    let mut literal = None;
    let own = || (0..).map_while(|at| Some((at, code.get(at)?)));
    let targets: BTreeSet<u32> =
        own().filter_map(|(_, one)| target(&mut one.clone()).copied()).collect();
    for (at, instruction) in own() {
        let line = code.get_line(at).and_then(|line| u16::try_from(line).ok());
        // From elsewhere something other than the literal may come.
        let literal_before = literal.take_if(|_| !targets.contains(&at));
        let put = with_checks(instruction, literal_before).into_iter().map(|one| match line {
            Some(line) => guarded.add_with_line(one, line),
            None => guarded.add(one),
        });
        places.extend(put.last().map(|last| last + 1));
        literal = match instruction {
            Instruction::LoadConst(value) => Some(value.kind()).filter(|kind| is_scalar(*kind)),
            _ => None,
        };
    }
    let all = places.last().copied().unwrap_or_default();
    for at in 0..all {
        if let Some(target) = guarded.get_mut(at).and_then(target) {
            *target = places.get(*target as usize).copied().unwrap_or(*target);
        }
    }
    guarded
}

/// The place that an instruction names.
fn target<'i>(of: &'i mut Instruction<'_>) -> Option<&'i mut u32> {
    match of {
        Instruction::Iterate(target)
        | Instruction::Jump(target)
        | Instruction::JumpIfFalse(target)
        | Instruction::JumpIfFalseOrPop(target)
        | Instruction::JumpIfTrueOrPop(target)
        | Instruction::BuildMacro(_, target, _) => Some(target),
        _ => None,
    }
}

fn is_scalar(kind: ValueKind) -> bool {
    !matches!(kind, ValueKind::Seq | ValueKind::Map | ValueKind::Iterable)
}

/// An instruction, the checks before it and the check of what it leaves on top of the stack; `literal` is what is on top before it.
fn with_checks<'a>(of: &Instruction<'a>, literal: Option<ValueKind>) -> Vec<Instruction<'a>> {
    let filter = |name| Instruction::ApplyFilter(name, Some(1), UNCACHED);
    let own = of.clone();
    match of {
        Instruction::Add
        | Instruction::Mul
        | Instruction::BuildMap(_)
        | Instruction::BuildList(_)
        | Instruction::BuildTuple(_)
        | Instruction::ApplyFilter(..)
        | Instruction::CallFunction(..)
        | Instruction::CallMethod(..)
        | Instruction::CallObject(_) => vec![own, filter(CHECKED)],
        Instruction::Slice => vec![Instruction::CallFunction(SLICE, Some(4))],
        Instruction::PushLoop(_) => vec![filter(TEXT), own],
        Instruction::SetAttr(_) => vec![Instruction::Swap, filter(KEPT), Instruction::Swap, own],
        Instruction::GetItem if literal == Some(ValueKind::String) => vec![own],
        Instruction::GetItem => {
            vec![filter(PAID), Instruction::Swap, filter(TEXT), Instruction::Swap, own]
        }
        // What is compared with a literal is not looked through.
        _ if literal.is_some() => vec![own],
        Instruction::Eq
        | Instruction::Ne
        | Instruction::Lt
        | Instruction::Lte
        | Instruction::Gt
        | Instruction::Gte
        | Instruction::In
        | Instruction::CompareAndPreserve(_) => {
            vec![filter(PAID), Instruction::Swap, filter(PAID), Instruction::Swap, own]
        }
        Instruction::PerformTest(_, Some(1), _) => vec![filter(TEXT), own],
        Instruction::PerformTest(..) => vec![filter(PAID), own],
        _ => vec![own],
    }
}

fn refused(problem: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, problem.to_owned())
}

/// A value, with what is lazy in it made, if it is small enough.
fn checked(state: &State<'_, '_>, value: Value, n_values: usize) -> Result<Value, Error> {
    let value = match value.kind() {
        ValueKind::Iterable => made(state, &value, n_values)?,
        ValueKind::Seq | ValueKind::Map => value,
        _ => return Ok(value),
    };
    pay(state, &value, n_values, Reads::Keys)?;
    Ok(value)
}

/// Whether a value that was checked is, or holds, what alone can be changed.
fn holds_namespace(value: &Value) -> bool {
    let is_one = value.as_object().is_some_and(|of| of.type_name().ends_with("::Namespace"));
    let is_map = value.kind() == ValueKind::Map;
    let holds_one = |item: Value| match is_map {
        true => value.get_item(&item).is_ok_and(|inner| holds_namespace(&inner)),
        false => holds_namespace(&item),
    };
    is_one
        || (!is_scalar(value.kind())
            && value.try_iter().is_ok_and(|mut items| items.any(holds_one)))
}

fn made(state: &State<'_, '_>, value: &Value, n_values: usize) -> Result<Value, Error> {
    let too_long = || refused("makes a list that is longer than any chat needs");
    if value.len().is_some_and(|n| n > n_values) {
        return Err(too_long());
    }
    let items: Vec<Value> = value.try_iter()?.take(n_values + 1).collect();
    state.consume_fuel((items.len() / VALUES_A_STEP) as u64)?;
    if items.len() > n_values {
        return Err(too_long());
    }
    Ok(items.into())
}

/// Which texts in a value are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// Those that name something, to find their places.
    Keys,
    /// All, to compare them.
    All,
}

/// Pays for looking at all of a value.
fn pay(state: &State<'_, '_>, value: &Value, n_values: usize, reads: Reads) -> Result<(), Error> {
    let mut look = Look { reads, seen: 0, left: n_values };
    let is_small = look.is_small(value, 0);
    state.consume_fuel((look.seen / VALUES_A_STEP) as u64)?;
    match is_small {
        true => Ok(()),
        false => Err(refused("makes a list or map that is deeper or larger than any chat needs")),
    }
}

/// A look at a value and all that it holds, counted as often as it would be written.
struct Look {
    reads: Reads,
    /// Values and text read.
    seen: usize,
    /// Values and text that it may still hold.
    left: usize,
}

impl Look {
    fn is_small(&mut self, value: &Value, depth: usize) -> bool {
        let text = value.as_str().map_or(0, str::len) / BYTES_A_VALUE;
        self.seen += 1 + if self.reads == Reads::All { text } else { 0 };
        self.left = self.left.saturating_sub(if depth > 0 { 1 + text } else { 0 });
        let kind = value.kind();
        if !matches!(kind, ValueKind::Seq | ValueKind::Map | ValueKind::Iterable) {
            return self.left > 0;
        }
        let Ok(mut items) = value.try_iter() else { return true };
        depth < MAX_DEPTH
            && self.left > 0
            && items.all(|item| {
                if kind != ValueKind::Map {
                    return self.is_small(&item, depth + 1);
                }
                self.seen += item.as_str().map_or(0, str::len) / BYTES_A_VALUE;
                let inner = value.get_item(&item).unwrap_or_default();
                self.is_small(&item, depth + 1) && self.is_small(&inner, depth + 1)
            })
    }
}

fn slice(
    state: &State<'_, '_>,
    value: Value,
    start: Value,
    stop: Value,
    step: Value,
) -> Result<Value, Error> {
    let text = value.as_str().map_or(0, str::len);
    state.consume_fuel((text / BYTES_A_VALUE) as u64)?;
    let parts = minijinja::context! { value, start, stop, step };
    state.env().compile_expression("value[start:stop:step]")?.eval(parts)
}
