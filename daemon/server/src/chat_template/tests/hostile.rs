//! Templates that would take all memory, all time or all of the stack: every one ends soon, whatever it says.

use crate::chat_template::tests::rendered;
use std::time::Instant;

/// Seconds that a template may take here, on a machine that has other things to do.
const MOST_SECONDS: f32 = 5.0;
/// Bytes that this process may grow by.
const MOST_BYTES: usize = 256 << 20;

/// The most memory that this process ever held, where the system tells.
fn peak_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok());
    kib.unwrap_or(0) << 10
}

fn check(texts: &[&str]) {
    let before = peak_bytes();
    for text in texts {
        let started = Instant::now();
        let ended = rendered(text);
        let took = started.elapsed().as_secs_f32();
        let n_bytes = ended.as_ref().map_or(0, String::len);
        assert!(took < MOST_SECONDS && n_bytes < 64 << 20, "{text}: {took} s, {n_bytes} bytes");
        let grown = peak_bytes().saturating_sub(before);
        assert!(grown < MOST_BYTES, "{text}: {grown} bytes");
    }
}

#[test]
fn loops_recursion_and_wide_texts_end() {
    check(&[
        "{% for i in range(60000) %}{% for j in range(60000) %}{% for k in range(60000) %}{% endfor %}{% endfor %}{% endfor %}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% macro a(n) %}{{ a(n + 1) }}{{ a(n + 1) }}{% endmacro %}{{ a(0) }}",
        "{{ range(99999999999) | list | length }}",
        "{{ ('x' * 1000000) * 1000000 }}",
        "{{ [0] * 999999999 }}",
        "{{ 'a' | indent(99999999) }}{{ ('\n' * 100000) | indent(99999999) }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ 'x'.center(999999999) }}",
        "{{ messages | tojson(indent=999999999) }}",
        "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x.replace('a', ns.x) %}{% endfor %}{{ ns.x | length }}",
        "{% set ns = namespace(x=['aaaaaaaa']) %}{% for i in range(60) %}{% set ns.x = [ns.x | join, ns.x | join] %}{% endfor %}{{ ns.x | length }}",
        "{% set ns = namespace(x=1) %}{% for i in range(99) %}{% set ns.x = {'a': ns.x, 'b': ns.x} %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=1) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}",
        "{% set ns = namespace(x=2) %}{% for i in range(60) %}{% set ns.x = ns.x ** 9 %}{% endfor %}{{ ns.x }}",
        "{% for a in messages recursive %}{{ loop(messages) }}{% endfor %}",
        "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}{{ ns | tojson }}",
        "{{ 'x' | batch(99999999) | list }}{{ [1] | slice(99999999) | list | length }}",
        "{{ ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1",
        "{{ '%s%s%s%s%s%s%s%s' | format(*(['x' * 1000000] * 9)) }}",
        "{% set x = 'x' * 9000000 %}{{ '%s%s%s%s%s%s%s%s%s%s%s%s' | format(x, x, x, x, x, x, x, x, x, x, x, x) }}",
        "{{ ('{0}' * 50000).format('x' * 10000) }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ '{: >1000000000}'.format(1) }}",
        "{{ '{:.1000000000f}'.format(1.5) }}",
        "{{ '%(a)1000000000s' | format(a=1) }}",
        "{{ debug() }}",
        "{{ ([1] * 1000000000) == ([1] * 1000000000) }}",
    ]);
}

/// What doubles at every step: lazily (a list added to itself), or shared (a list twice in another).
#[test]
fn what_doubles_is_stopped_while_it_is_small() {
    let doubled = "{% set x = x + x %}".repeat(45);
    let of = |more: &str| format!("{{% set x = [1] %}}{doubled}{more}");
    for more in
        ["", "{{ x | length }}", "{{ x[0] }}", "{% for a in x %}{% endfor %}", "{{ x == x }}"]
    {
        let text = of(more);
        let problem = rendered(&text).unwrap_err();
        assert!(problem.contains("longer than any chat needs"), "{problem}");
        check(&[&text]);
    }
    let shared = "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = {'a': ns.y, 'b': ns.y} %}{% endfor %}{{ ns.x == ns.y }}";
    assert!(rendered(shared).unwrap_err().contains("larger than any chat needs"));
    check(&[
        "{% macro a(x, n) %}{% if n %}{{ a(x + x, n - 1) }}{% endif %}{% endmacro %}{{ a([1], 45) }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(40) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x={'a': 1}) %}{% for i in range(40) %}{% set ns.x = ns.x | chain(ns.x) %}{% endfor %}{{ ns.x.b }}",
        "{% block a %}{% set ns = namespace(x=[1]) %}{% for i in range(40) %}{% set ns.x = ns.x * 2 %}{% endfor %}{% endblock %}",
        "{{ (([1] * 100000) * 100000) | last }}",
    ]);
}

/// What is small enough to be made is paid for as often as it is read.
#[test]
fn what_is_read_again_and_again_is_paid_for() {
    let large = "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(13) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}";
    let texts = "{% set ns = namespace(x='é' * 400000, y='é' * 400000) %}";
    for (of, read) in [
        (large, "{% if ns.x == ns.y %}{% endif %}"),
        (large, "{% if (ns.x if i >= 0 else 'a') == (ns.y if i >= 0 else 'b') %}{% endif %}"),
        (large, "{% if ns.x in [ns.y] %}{% endif %}"),
        (large, "{% if ns.x is eq(ns.y) %}{% endif %}"),
        (large, "{% set z = {ns.x: 1}[ns.y] %}"),
        (texts, "{% if [ns.x] == [ns.y] %}{% endif %}"),
        (texts, "{% set z = ns.x[300000] %}"),
        (texts, "{% set z = ns.x[300000:300001] %}"),
        (texts, "{% for c in ns.x %}{% break %}{% endfor %}"),
        (texts, "{% set z = {ns.x: 1} %}"),
    ] {
        let text = format!("{of}{{% for i in range(60000) %}}{read}{{% endfor %}}");
        check(&[&text]);
        assert!(rendered(&text).unwrap_err().contains("more steps"), "{text}");
    }
}

/// Lists in lists, namespaces in namespaces: freeing them takes as many frames of the stack as they are deep.
#[test]
fn what_lies_deep_is_refused_before_the_stack_ends() {
    for deeper in [
        "{% set ns.x = [ns.x] %}",
        "{% set ns.x = {'a': ns.x} %}",
        "{% set ns.x = ns.x[0:] %}",
        "{% set ns.x = namespace(p=ns.x) %}",
        "{% set ns.x = [ns.x] | batch(1) %}",
        "{% set m = namespace() %}{% set m.p = ns.x %}{% set ns.x = m %}",
        "{% set ns.x = ns %}{{ ns }}{{ ns ~ '' }}",
        "{% set ns.x = [{'a': ns}] %}{{ ns | string }}",
    ] {
        let text = format!(
            "{{% set ns = namespace(x=[1]) %}}{{% for i in range(60000) %}}{deeper}{{% endfor %}}"
        );
        check(&[&text]);
    }
    for n in [3000, 100_000] {
        let many = |text: &str| text.repeat(n / text.len());
        for text in [
            format!("{{{{ {}1{} }}}}", many("("), many(")")),
            format!("{{{{ {}1{} }}}}", many("["), many("]")),
            many("{% if true %}"),
            many("{% if true %}") + &many("{% endif %}"),
            format!("{{{{ {}true }}}}", many("not ")),
            format!("{{{{ {}1 }}}}", many("-")),
            format!("{{{{ 1{} }}}}", many(" if true else 1")),
            format!("{{{{ 1{} }}}}", many(" ** 1")),
            format!("{{{{ 1{} }}}}", many(" + 1")),
            format!("{{{{ x{} }}}}", many(".a")),
            format!("{{{{ 'a'{} }}}}", many(" | trim")),
            format!("{{{{ {}", many("{'a':")),
        ] {
            let _ = rendered(&text);
        }
    }
}
