//! Interventions as short text, the same on the command line, in files and in an editor: `head 23.4@last`, `neuron 2.12=10`.

use crate::intervention::{Intervention, InterventionKind as Kind};
use std::{fmt, str::FromStr};

/// What can be written.
const FORMS: &str = "write knockout 3, span 2:5, delete 3, replace 2:5=text, head 23.4@5, head 23.4=0.5x, mlp 3, neuron 2.12=10 or edge 3.2 7<-4";

impl fmt::Display for Intervention {
    /// Its text; a kind that has none (a direction, a patch) as its name and place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |f: &mut fmt::Formatter<'_>| match (self.token, self.span) {
            (Some(token), _) => write!(f, " {token}"),
            (None, Some([start, end])) => write!(f, " {start}:{end}"),
            (None, None) => Ok(()),
        };
        let layer = self.layer.unwrap_or_default();
        let part = self.head.or(self.neuron).unwrap_or_default();
        match self.kind {
            Kind::Knockout => f.write_str("knockout").and_then(|()| place(f))?,
            Kind::SpanKnockout => f.write_str("span").and_then(|()| place(f))?,
            Kind::Delete => f.write_str("delete").and_then(|()| place(f))?,
            Kind::Replace => {
                f.write_str("replace").and_then(|()| place(f))?;
                match (&self.text, &self.token_ids) {
                    (Some(text), _) => write!(f, "={text}")?,
                    (None, Some(ids)) => write!(f, "={ids:?}")?,
                    (None, None) => {}
                }
            }
            Kind::EdgeKnockout => write!(
                f,
                "edge {layer}.{part} {}<-{}",
                self.query.unwrap_or_default(),
                self.key.unwrap_or_default()
            )?,
            Kind::HeadZero | Kind::HeadScale | Kind::HeadSet => write!(f, "head {layer}.{part}")?,
            Kind::MlpZero | Kind::MlpScale | Kind::MlpSet => write!(f, "mlp {layer}")?,
            Kind::NeuronSet | Kind::NeuronScale => write!(f, "neuron {layer}.{part}")?,
            Kind::DirectionAdd | Kind::Patch => {
                write!(
                    f,
                    "{} {layer} {}",
                    self.kind.as_str(),
                    self.hook.as_deref().unwrap_or_default()
                )?;
                for (letter, part) in [('H', self.head), ('N', self.neuron)] {
                    part.map_or(Ok(()), |part| write!(f, " {letter}{part}"))?;
                }
            }
        }
        match (self.kind, self.value) {
            (Kind::HeadScale | Kind::MlpScale | Kind::NeuronScale, Some(value)) => {
                write!(f, "={value}x")?;
            }
            (Kind::HeadSet | Kind::MlpSet | Kind::NeuronSet, Some(value)) => write!(f, "={value}")?,
            _ => {}
        }
        self.position.map_or(Ok(()), |position| write!(f, "@{position}"))
    }
}

impl FromStr for Intervention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text).ok_or_else(|| format!("`{text}` is no intervention; {FORMS}"))
    }
}

fn parse(text: &str) -> Option<Intervention> {
    let text = text.trim();
    if let Some(own) = text.strip_prefix('L') {
        return parse_label(own);
    }
    let (name, rest) = text.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    match name {
        "knockout" => placed(Kind::Knockout, rest),
        "span" => placed(Kind::SpanKnockout, rest).filter(|of| of.span.is_some()),
        "delete" => placed(Kind::Delete, rest),
        "replace" => {
            let (place, with) = rest.split_once('=')?;
            let replaced = placed(Kind::Replace, place)?;
            Some(Intervention { text: Some(with.to_owned()), ..replaced })
        }
        "edge" => {
            let (part, ends) = rest.split_once(char::is_whitespace)?;
            let ((layer, head), (query, key)) = (pair(part, '.')?, ends.trim().split_once("<-")?);
            let (query, key) = (query.trim().parse().ok()?, key.trim().parse().ok()?);
            Some(Intervention::edge_knockout(layer, head, query, key))
        }
        "head" => {
            let (place, change) = changed(rest)?;
            let (layer, head) = pair(place, '.')?;
            part([Kind::HeadZero, Kind::HeadScale, Kind::HeadSet], (layer, Some(head)), change)
        }
        "mlp" => {
            let (place, change) = changed(rest)?;
            let layer = place.trim().parse().ok()?;
            part([Kind::MlpZero, Kind::MlpScale, Kind::MlpSet], (layer, None), change)
        }
        "neuron" => {
            let (place, change) = changed(rest)?;
            let (layer, neuron) = pair(place, '.')?;
            part(
                [Kind::NeuronSet, Kind::NeuronScale, Kind::NeuronSet],
                (layer, Some(neuron)),
                change,
            )
        }
        _ => None,
    }
}

/// As views name parts: `L23H4`, `L2N12=10`, `L3MLP`.
fn parse_label(text: &str) -> Option<Intervention> {
    let (place, change) = changed(text)?;
    if let Some(layer) = place.strip_suffix("MLP") {
        let layer = layer.parse().ok()?;
        return part([Kind::MlpZero, Kind::MlpScale, Kind::MlpSet], (layer, None), change);
    }
    let kinds = match place.find(['H', 'N']).and_then(|at| place.as_bytes().get(at)) {
        Some(b'H') => [Kind::HeadZero, Kind::HeadScale, Kind::HeadSet],
        _ => [Kind::NeuronSet, Kind::NeuronScale, Kind::NeuronSet],
    };
    let (layer, index) = pair(place, 'H').or_else(|| pair(place, 'N'))?;
    part(kinds, (layer, Some(index)), change)
}

fn pair(text: &str, between: char) -> Option<(usize, usize)> {
    let (a, b) = text.split_once(between)?;
    Some((a.trim().parse().ok()?, b.trim().parse().ok()?))
}

fn placed(kind: Kind, text: &str) -> Option<Intervention> {
    let of = Intervention::of(kind);
    match pair(text, ':') {
        Some((start, end)) => Some(Intervention { span: Some([start, end]), ..of }),
        None => Some(Intervention { token: Some(text.trim().parse().ok()?), ..of }),
    }
}

/// What a part is changed to, and where.
#[derive(Default)]
struct Changed {
    scale: Option<f32>,
    set: Option<f32>,
    position: Option<usize>,
}

/// `PLACE[=VALUE|=FACTORx][@POSITION]`
fn changed(text: &str) -> Option<(&str, Changed)> {
    let mut change = Changed::default();
    let mut rest = text.trim();
    if let Some((before, position)) = rest.split_once('@') {
        change.position = Some(position.trim().parse().ok()?);
        rest = before;
    }
    if let Some((before, value)) = rest.split_once('=') {
        let value = value.trim();
        match value.strip_suffix('x') {
            Some(factor) => change.scale = Some(factor.trim().parse().ok()?),
            None => change.set = Some(value.parse().ok()?),
        }
        rest = before;
    }
    Some((rest.trim(), change))
}

fn part(
    [zero, scale, set]: [Kind; 3],
    (layer, index): (usize, Option<usize>),
    change: Changed,
) -> Option<Intervention> {
    let is_neuron = zero == Kind::NeuronSet;
    let (kind, value) = match (change.scale, change.set) {
        (Some(factor), _) => (scale, Some(factor)),
        (None, Some(value)) => (set, Some(value)),
        // A neuron is switched off by setting it.
        (None, None) => (zero, is_neuron.then_some(0.0)),
    };
    let (head, neuron) = if is_neuron { (None, index) } else { (index, None) };
    let position = change.position;
    Some(Intervention {
        layer: Some(layer),
        head,
        neuron,
        value,
        position,
        ..Intervention::of(kind)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intervention::InterventionSet;

    #[test]
    fn text_reads_back() {
        for text in [
            "knockout 3",
            "span 2:5",
            "delete 3",
            "delete 2:5",
            "replace 2:5= and so=on",
            "edge 3.2 7<-4",
            "head 23.4",
            "head 23.4@5",
            "head 23.4=0.5x",
            "mlp 3",
            "mlp 3=-1x@2",
            "neuron 2.12=10@4",
            "neuron 2.12=2x",
        ] {
            assert_eq!(text.parse::<Intervention>().unwrap().to_string(), text);
        }
        for (label, same) in
            [("L23H4@5", "head 23.4@5"), ("L2N12", "neuron 2.12=0"), ("L3MLP", "mlp 3")]
        {
            assert_eq!(label.parse::<Intervention>().unwrap().to_string(), same);
        }
        for wrong in
            ["", "head", "head 3", "head 3.x", "span 3", "mlp 3.2", "foo 3", "L3", "edge 3.2 7>4"]
        {
            let problem = wrong.parse::<Intervention>().unwrap_err();
            assert!(problem.contains("head 23.4"), "{problem}");
        }
    }

    #[test]
    fn sets_are_objects_texts_or_lists() {
        let read = |json: &str| serde_json::from_str::<InterventionSet>(json);
        let one = read(r#"{"kind":"head_zero","layer":3,"head":2}"#).unwrap();
        assert_eq!(one, read(r#""head 3.2""#).unwrap());
        assert_eq!(
            serde_json::to_string(&one).unwrap(),
            r#"{"kind":"head_zero","layer":3,"head":2}"#
        );
        let both = read(r#"["head 3.2", {"kind":"delete","token":1}]"#).unwrap();
        assert_eq!(both.to_string(), "head 3.2 + delete 1");
        assert_eq!(serde_json::to_value(&both).unwrap()[1]["token"], 1);
        for (wrong, says) in [
            (r#"{"kind":"head_zero","layers":3}"#, "unknown field `layers`"),
            (r#"{"kind":"off"}"#, "unknown variant `off`"),
            (r#"[]"#, "the list is empty"),
            (r#"3"#, "an object with a `kind`"),
            (r#"{"layer":-1,"kind":"mlp_zero"}"#, "invalid value: integer `-1`"),
        ] {
            let problem = read(wrong).unwrap_err().to_string();
            assert!(problem.contains(says), "{problem}");
        }
    }
}
