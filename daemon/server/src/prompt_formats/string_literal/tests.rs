//! Literals of each language, selected whole, in part, and where they are none.

use crate::prompt_formats::string_literal::of_selection;

/// What the selection between `«` and `»` means; where it is no literal: nothing.
fn check(name: &str, marked: &str, expected: Option<&str>) {
    let start = marked.find('«').unwrap();
    let code = marked.replacen('«', "", 1);
    let end = code.find('»').unwrap();
    let code = code.replacen('»', "", 1);
    let found = of_selection(name, "", &code, start..end);
    assert_eq!(found.as_ref().map(|mapped| mapped.text.as_str()), expected, "{marked}");
    if let Some(mapped) = found {
        for (at, c) in mapped.text.char_indices() {
            let source = &code[mapped.to_source(at..at + c.len_utf8())];
            let means = source == c.to_string()
                || source.starts_with('\\')
                || ["{{", "}}", "\r\n"].contains(&source);
            assert!(means, "{marked}: {c:?} is {source:?}");
        }
    }
}

#[test]
fn python_literals() {
    check("a.py", "x = «\"a\\n\\x41\\u00e9\\q\"»", Some("a\nAé\\q"));
    check("a.py", "x = '''\\\n«a\r\nb \\'c»d'''\n", Some("a\nb 'c"));
    check("a.py", "x = f\"a {{b}} {«c»}\"", None);
    check("a.py", "x = «f\"a {{b}} {c!r} \\n\"»", Some("a {b} {c!r} \n"));
    check("a.py", "x = «r'a\\n'»", Some("a\\n"));
    check("a.py", "x = («'a\\t'\n  \"b\" rf'{c}\\d'»)", Some("a\tb{c}\\d"));
    check("a.py", "x = ('a\\t'\n  \"«b»\")", Some("b"));
    check("a.py", "«x = 'a'»", None);
    check("a.py", "«x» = 1", None);
}

#[test]
fn javascript_and_typescript_literals() {
    for name in ["a.js", "a.ts", "a.tsx"] {
        check(name, "const x = «'a\\u{1f600}\\ud83d\\ude00\\0\\q'»;", Some("a😀😀\0q"));
        check(name, "const x = «`a ${b + `c`} \\`\nd`»;", Some("a ${b + `c`} `\nd"));
        check(name, "const x = `a ${«b»}`;", None);
        check(name, "f(\"a «b\\n»c\")", Some("b\n"));
    }
    check("a.ts", "let x: string = <any>«'a'»;", Some("a"));
}

#[test]
fn rust_literals() {
    check("a.rs", "const X: &str = «\"a\\\n   b\\u{e9}\\x41\\\"\"»;", Some("abéA\""));
    check("a.rs", "const X: &str = «r#\"a\"\\n\"#»;", Some("a\"\\n"));
    check("a.rs", "const X: &str = r\"a«\\n»\";", Some("\\n"));
    check("a.rs", "const «X»: &str = \"a\";", None);
    check("a.rs", "fn f() { m!(«\"a\\t\"»); }", Some("a\t"));
}

#[test]
fn go_and_java_literals() {
    check("a.go", "package a\nvar x = «\"a\\101\\U0001f600\"»", Some("aA😀"));
    check("a.go", "package a\nvar x = «`a\\n`»", Some("a\\n"));
    check("a.java", "class A { String x = «\"a\\tb\\u00e9\"»; }", Some("a\tbé"));
}

#[test]
fn code_that_is_broken_or_unknown_is_no_literal() {
    check("a.unknown", "x = «'a'»", None);
    check("a.py", "«»", None);
}
