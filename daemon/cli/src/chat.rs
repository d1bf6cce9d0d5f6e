//! `--chat`: the prompt as one user message in the model's own chat template.

use anyhow::{Context, Result, bail};
use limpid_engine::tokenizer::{Specials, Token, Tokenizer};
use minijinja::{Environment, Error, ErrorKind, context, syntax::SyntaxConfig};

/// Stands in for the message, so that its place in the template's output is known whatever it says.
const STAND_IN: &str = "\u{e000}limpid\u{e001}";
/// Instructions that a template may take.
const FUEL: u64 = 1_000_000;

/// Tokens of `text` as a user's message, the template's around it without spans.
///
/// # Errors
/// The model has no chat template, or its template fails.
pub(crate) fn encode(tokenizer: &Tokenizer, text: &str) -> Result<Vec<Token>> {
    let Some(template) = &tokenizer.chat_template else {
        bail!("{}: has no chat template; leave out --chat", tokenizer.path().display());
    };
    let rendered = render(template, tokenizer)
        .with_context(|| format!("{}: chat_template", tokenizer.path().display()))?;
    let Some((before, after)) = rendered.split_once(STAND_IN) else {
        bail!("{}: the chat template does not write the message", tokenizer.path().display());
    };
    let mut tokens = Vec::new();
    let added = |tokens: &mut Vec<Token>, text: &str| -> Result<()> {
        for token in tokenizer.encode(text, Specials::Parse)? {
            if token.span.is_some() {
                tokens.push(Token { id: token.id, span: None });
            }
        }
        Ok(())
    };
    added(&mut tokens, before)?;
    // Special tokens are never recognised inside a message: it may be somebody else's text.
    tokens.extend(tokenizer.encode(text, Specials::Plain)?);
    added(&mut tokens, after)?;
    Ok(tokens)
}

fn render(template: &str, tokenizer: &Tokenizer) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    let blocks = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    environment.set_syntax(blocks);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", |message: String| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_function("strftime_now", |format: String| format);
    environment.render_str(
        template,
        context! {
            messages => vec![context! { role => "user", content => STAND_IN }],
            add_generation_prompt => true,
            bos_token => tokenizer.bos_text.as_str(),
            eos_token => tokenizer.eos_text.as_str(),
        },
    )
}
