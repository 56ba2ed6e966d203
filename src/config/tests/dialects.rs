//! The check of dialects in the configuration.

use super::read;

#[test]
fn dialects_are_checked_with_the_place_of_the_fault() {
    let text = "normalise:
  dialects:
  - name: acme
    when: scope.name == 'acme' && attributes[span.name] == 'x'
    kind: [\"'x' in attributes\", \"'llm'\"]
    agent: attribute['x']
    input_tokens: {a: 1}
    failed: attributes['a'] + 'x'
    tokens: '1'
  - {name: acme, when: 'true'}
  - {name: openinference, when: \"!('x' in attributes)\"}
  - {name: Ä, when: \"'x' in attributes\"}
  - {name: ok, when: \"resource['x'] == 'y'\", session: 7}
";
    let faults = read(text).expect_err("faults");
    let expected = [
        "4:5: normalise.dialects.0.when: column 40: the name of an attribute is a text in quotes",
        "5:12: normalise.dialects.0.kind.0: `'x' in attributes` is true or false, not a text",
        "5:33: normalise.dialects.0.kind.1: llm is no kind; kinds are agent, workflow",
        "6:5: normalise.dialects.0.agent: column 1: attribute is not known here: an expression of a dialect names span, scope, attributes and resource",
        "7:5: normalise.dialects.0.input_tokens: expected a text or a list of texts, found a section",
        "8:5: normalise.dialects.0.failed: `attributes['a'] + 'x'` is a text, not true or false",
        "9:5: normalise.dialects.0.tokens: unknown key",
        "10:6: normalise.dialects.1.name: is the name of another dialect",
        "10:18: normalise.dialects.1.when: must need something that other spans do not have",
        "11:6: normalise.dialects.2.name: is the name of another dialect",
        "11:27: normalise.dialects.2.when: must need something",
        "12:6: normalise.dialects.3.name: expected lower-case letters, digits and _",
        "13:46: normalise.dialects.4.session: expected a text or a list of texts, found a number",
    ];
    let all = faults.join("\n");
    assert_eq!(faults.len(), expected.len(), "{all}");
    for (fault, expected) in faults.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{fault}\n{expected}\n{all}");
    }
    let text = "normalise: {dialects: [{name: a, when: \"'x' in attributes\", agent: [\"attributes['b']\", \"'c'\"], session: \"attributes['x']\"}]}";
    let config = read(text).expect("valid");
    assert_eq!(config.normalise.dialects[0].agent.0.len(), 2);
}
