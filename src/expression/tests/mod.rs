//! What an expression with attributes may say, and what is refused.

use super::*;

const VOCABULARY: Vocabulary = Vocabulary {
    variables: &[
        ("thing", Variable::Fields(&[("name", Type::Text)])),
        ("attributes", Variable::Of(Type::Attributes)),
    ],
    methods: &[
        ("startsWith", Type::Bool),
        ("size", Type::Number),
        ("substring", Type::Text),
    ],
    functions: &[("size", Type::Number), ("json", Type::Any)],
    has_maps: true,
    nests_macros: false,
    over: "names are thing and attributes",
};

fn fault(text: &str) -> String {
    let compiled = Expression::compile(text, &VOCABULARY, &[Type::Text, Type::Number]);
    compiled.expect_err(text).to_string()
}

#[test]
fn attributes_are_named_by_texts_in_quotes() {
    for text in [
        "attributes['a']",
        "attributes.a",
        "attributes[?'a'].or(attributes[?'b']).orValue('c')",
        "'a' in attributes ? 'x' : 'y'",
        "has(attributes.a) ? 1 : 2",
        "{'a': 'b'}[thing.name]",
        "json(attributes['a']).b[0].c",
        "json(attributes['a']).filter(x, x.b == 1)[0].c",
        "thing.name.substring(2)",
    ] {
        let compiled = Expression::compile(text, &VOCABULARY, &[Type::Text, Type::Number]);
        assert!(compiled.is_ok(), "{text}: {compiled:?}");
    }
    for (text, told) in [
        (
            "attributes",
            "column 1: write the name of an attribute: attributes['name']",
        ),
        (
            "attributes[thing.name]",
            "the name of an attribute is a text in quotes",
        ),
        (
            "thing.name in attributes ? 1 : 2",
            "the name of an attribute is a text in quotes",
        ),
        (
            "attributes['a'] == 'x'",
            "is true or false, not a text or a number",
        ),
        (
            "attributes[?'a']",
            "is a value that may be missing, not a text or a number",
        ),
        (
            "attributes[?'a'] == 'x' ? 1 : 2",
            "a value that may be missing is compared with a text",
        ),
        ("thing.nam", "thing has no field nam; it has name"),
        (
            "other.name",
            "column 1: other is not known here: names are thing and attributes",
        ),
        (
            "thing.name.matches('x') ? 1 : 2",
            "there is no function matches here",
        ),
        ("thing.name.substring('x')", "is a text, not a number"),
        ("thing.name - 1", "is a text, not a number"),
        (
            "json(attributes['a']).filter(x, x.exists(y, y == 1))[0]",
            "a macro inside a macro is not allowed",
        ),
        (
            "json(attributes['a']).filter(thing, thing == 1)[0]",
            "thing is the name of something else already",
        ),
        ("thing.name +", "column"),
    ] {
        let found = fault(text);
        assert!(found.contains(told), "{text}: {found}");
    }
    let long = format!("'{}'", "x".repeat(16_400));
    assert_eq!(fault(&long), "column 16385: longer than 16384 characters");
}

/// What is written without brackets is deep too: rows of operators. It is compiled on a thread that may have little stack.
#[test]
fn long_rows_of_operators_survive_a_small_stack() {
    let tried = || {
        for text in [
            format!("{}true ? 1 : 2", "!".repeat(299)),
            format!("{}1", "- ".repeat(300)),
            format!("1{}", "+1".repeat(300)),
            format!("attributes{}", ".a".repeat(300)),
            format!("{}3", "true ? 1 : ".repeat(300)),
            format!("{} ? 1 : 2", vec!["true"; 150].join(" && ")),
        ] {
            let _ = Expression::compile(&text, &VOCABULARY, &[Type::Number]);
            let fault = fault(&format!("{} + 1{text}", "!".repeat(301)));
            assert_eq!(fault, "column 301: more than 300 signs of operators");
        }
    };
    let small = std::thread::Builder::new().stack_size(2 << 20);
    let thread = small.spawn(tried).expect("a thread");
    thread.join().expect("the stack is large enough");
}

#[test]
fn json_is_a_value_and_what_is_none_names_no_text() {
    let read = |text: &str| {
        let text = format!("json('{text}').a[1].b");
        let compiled = Expression::compile(&text, &VOCABULARY, &[Type::Text]).expect("it compiles");
        compiled.value(&context())
    };
    assert_eq!(read(r#"{"a": [1, {"b": "x"}]}"#), Ok(Value::from("x")));
    assert_eq!(read(r#"{"a": [1, {"c": 2}]}"#), Err(NoValue::Unknown));
    assert_eq!(read("{a: private}"), Err(NoValue::Failed));
}
