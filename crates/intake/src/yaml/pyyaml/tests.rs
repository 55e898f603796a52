use super::{Refusal, Value, base64, describe, refusals, resolve};
use crate::yaml::{parse, pyyaml};

/// What PyYAML 6.0.3's `safe_load` makes of a scalar.
#[rustfmt::skip]
const TABLE: &[(&str, &str)] = &[
    ("y", "text y"),
    ("Y", "text Y"),
    ("n", "text n"),
    ("N", "text N"),
    ("yes", "true"),
    ("Yes", "true"),
    ("YES", "true"),
    ("yEs", "text yEs"),
    ("no", "false"),
    ("No", "false"),
    ("NO", "false"),
    ("on", "true"),
    ("On", "true"),
    ("ON", "true"),
    ("oN", "text oN"),
    ("off", "false"),
    ("Off", "false"),
    ("OFF", "false"),
    ("true", "true"),
    ("True", "true"),
    ("TRUE", "true"),
    ("tRue", "text tRue"),
    ("false", "false"),
    ("False", "false"),
    ("FALSE", "false"),
    ("FaLSE", "text FaLSE"),
    ("~", "null"),
    ("null", "null"),
    ("Null", "null"),
    ("NULL", "null"),
    ("nULL", "text nULL"),
    ("~~", "text ~~"),
    ("0", "int 0"),
    ("1", "int 1"),
    ("-1", "int -1"),
    ("+1", "int 1"),
    ("00", "int 0"),
    ("0600", "int 384"),
    ("0o600", "text 0o600"),
    ("08", "text 08"),
    ("089", "text 089"),
    ("0x1F", "int 31"),
    ("0X1F", "text 0X1F"),
    ("0x_1", "int 1"),
    ("0b101", "int 5"),
    ("0b_", "refused"),
    ("0x", "text 0x"),
    ("0b", "text 0b"),
    ("0b2", "text 0b2"),
    ("1_000", "int 1000"),
    ("_1", "text _1"),
    ("1__0", "int 10"),
    ("-0", "int 0"),
    ("+0600", "int 384"),
    ("-0x10", "int -16"),
    ("-0b11", "int -3"),
    ("0_7", "int 7"),
    ("0_", "int 0"),
    ("+", "text +"),
    ("+0", "int 0"),
    ("--1", "text --1"),
    ("11:22:33:44:55:16", "int 8846009716"),
    ("1:60", "text 1:60"),
    ("1:59", "int 119"),
    ("01:30", "text 01:30"),
    ("190:20:30", "int 685230"),
    ("-1:30", "int -90"),
    ("+1:30", "int 90"),
    ("1:5", "int 65"),
    ("12:00", "int 720"),
    ("0:30", "text 0:30"),
    ("1:005", "text 1:005"),
    ("1_0:30", "int 630"),
    ("1:3_0", "text 1:3_0"),
    ("aa:bb:cc:dd:ee:ff", "text aa:bb:cc:dd:ee:ff"),
    ("11:22:33:44:55:66", "text 11:22:33:44:55:66"),
    ("52:54:00:12:34:56", "int 41135085296"),
    ("10:20:30:40:50:59", "int 8041827059"),
    ("52:54:00:ab:cd:ef", "text 52:54:00:ab:cd:ef"),
    ("1.5", "float 1.5"),
    ("1.", "float 1"),
    (".5", "float 0.5"),
    ("+.5", "text +.5"),
    ("-.5", "text -.5"),
    ("1e3", "text 1e3"),
    ("1.0e3", "text 1.0e3"),
    ("1.0e+3", "float 1000"),
    ("1.e-3", "float 0.001"),
    (".5e+2", "float 50"),
    (".5E-1", "float 0.05"),
    (".inf", "float inf"),
    (".Inf", "float inf"),
    ("-.inf", "float -inf"),
    ("+.INF", "float inf"),
    (".iNf", "text .iNf"),
    (".nan", "float NaN"),
    (".NaN", "float NaN"),
    (".NAN", "float NaN"),
    ("-.nan", "text -.nan"),
    ("1_0.5", "float 10.5"),
    ("1:30.5", "float 90.5"),
    ("1:60.5", "text 1:60.5"),
    (".", "text ."),
    ("..", "text .."),
    ("1.5.6", "text 1.5.6"),
    ("0.0", "float 0"),
    ("_.5", "text _.5"),
    ("._5", "text ._5"),
    (".5_", "float 0.5"),
    ("1.5_", "float 1.5"),
    ("190:20:30.15", "float 685230.15"),
    ("+1.5", "float 1.5"),
    ("-1.5", "float -1.5"),
    ("1.5e", "text 1.5e"),
    ("1.5e+", "text 1.5e+"),
    ("1:30.5e+3", "text 1:30.5e+3"),
    ("1.5e+1_0", "text 1.5e+1_0"),
    ("2024-01-02", "timestamp"),
    ("2024-1-2", "text 2024-1-2"),
    ("2024-01-02T03:04:05Z", "timestamp"),
    ("2001-12-14t21:59:43.10-05:00", "timestamp"),
    ("2001-12-14T21:59:43", "timestamp"),
    ("2001-1-4T1:59:43", "timestamp"),
    ("2001-12-14T21:59", "text 2001-12-14T21:59"),
    ("2001-12-14T21:59:43+5", "timestamp"),
    ("2001-12-14T21:59:43+05:3", "text 2001-12-14T21:59:43+05:3"),
    ("2001-12-14T21:59:43.", "timestamp"),
    ("20240102", "int 20240102"),
    ("02024-01-02", "text 02024-01-02"),
    ("=", "refused"),
    ("<<", "refused"),
    ("10.0.0.1", "text 10.0.0.1"),
    ("4420", "int 4420"),
    ("70000", "int 70000"),
    ("192.168.0.0/24", "text 192.168.0.0/24"),
    ("fe80::1", "text fe80::1"),
    ("1::2", "text 1::2"),
    ("0.0.0.0", "text 0.0.0.0"),
    ("eth0", "text eth0"),
    ("/", "text /"),
    ("100M", "text 100M"),
    ("170141183460469231731687303715884105727", "int 170141183460469231731687303715884105727"),
    ("170141183460469231731687303715884105728", "int big"),
    ("0x10.5", "text 0x10.5"),
    ("1e+3", "text 1e+3"),
    ("+12e03", "text +12e03"),
    ("6.8523015e+5", "float 685230.15"),
    ("685_230.15", "float 685230.15"),
    ("0777_", "int 511"),
    ("12e3", "text 12e3"),
    ("_netdev", "text _netdev"),
    ("2001-12-14 21:59:43.10 -5", "timestamp"),
    ("2001-12-14 21:59:43", "timestamp"),
    ("2001-12-14 x", "text 2001-12-14 x"),
    ("yes no", "text yes no"),
    ("1 2", "text 1 2"),
    ("'yes'", "text yes"),
    ("\"12\"", "text 12"),
    ("''", "text "),
    ("!!str 12", "text 12"),
    ("!!int '12'", "int 12"),
    ("!!int abc", "refused"),
    ("!!int ''", "refused"),
    ("!!bool x", "refused"),
    ("!!bool Y", "refused"),
    ("!!bool 'YES'", "true"),
    ("!!bool oN", "true"),
    ("!!float 1", "float 1"),
    ("!!float 'a'", "refused"),
    ("!!null x", "null"),
    ("! 12", "int 12"),
    ("! '12'", "int 12"),
    ("!foo x", "refused"),
    ("!!binary aGk=", "bytes hi"),
    ("!!binary aGkh", "bytes hi!"),
    ("!!binary aA==", "bytes h"),
    ("!!binary aA=", "refused"),
    ("!!binary aGkhaGk=", "bytes hi!hi"),
    ("!!timestamp x", "refused"),
    ("!!timestamp 2001-01-01", "timestamp"),
    ("!!python/name:os x", "refused"),
    ("!!seq a", "refused"),
    ("!!map a", "refused"),
    ("!!str", "text "),
    ("!!int 0x1_0", "int 16"),
    ("!!float 1:30", "float 90"),
    ("!!int 1:90", "int 150"),
    ("!!float .inf", "float inf"),
    ("!!int ' 12'", "int 12"),
    ("!!int '+'", "refused"),
    ("!!float '1e5'", "float 100000"),
    ("!!int '09'", "refused"),
    ("!!int '1.5'", "refused"),
    ("!!int '0o17'", "int 15"),
    ("!!int '0xZ'", "refused"),
    ("!<tag:yaml.org,2002:int> 7", "int 7"),
    ("!!str yes", "text yes"),
    ("", "null"),
];

fn show(value: Result<Value<'_>, Refusal>) -> String {
    match value {
        Err(_) => "refused".into(),
        Ok(Value::Null) => "null".into(),
        Ok(Value::Boolean(value)) => value.to_string(),
        Ok(Value::Integer(integer)) => integer
            .value
            .map_or("int big".into(), |value| format!("int {value}")),
        Ok(Value::Float(value)) => format!("float {value}"),
        Ok(Value::Timestamp(_)) => "timestamp".into(),
        Ok(Value::Text(text)) => format!("text {text}"),
        Ok(Value::Bytes(bytes)) => format!("bytes {}", String::from_utf8_lossy(&bytes)),
    }
}

#[test]
fn scalars_resolve_as_pyyaml_resolves_them() {
    for (text, expected) in TABLE {
        let document = parse("t", text).unwrap();
        let scalar = document.root().as_scalar().expect(text);
        assert_eq!(&show(resolve(scalar)), expected, "{text:?}");
    }
}

#[test]
fn notation_is_kept() {
    let notation = |text: &str| match resolve(parse("t", text).unwrap().root().as_scalar().unwrap())
    {
        Ok(Value::Integer(integer)) => integer.notation,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(notation("11:22:33:44:55:16"), pyyaml::Notation::Sexagesimal);
    assert_eq!(notation("0600"), pyyaml::Notation::Octal);
    assert_eq!(notation("0"), pyyaml::Notation::Decimal);
    assert_eq!(notation("0x1f"), pyyaml::Notation::Hexadecimal);
    assert_eq!(notation("0b1"), pyyaml::Notation::Binary);
}

#[test]
fn found_values_are_named() {
    for (text, expected) in [
        ("70000", "the number 70000"),
        (
            "11:22:33:44:55:16",
            "`11:22:33:44:55:16`, which YAML reads as the number 8846009716",
        ),
        ("on", "`on`, which YAML reads as true"),
        ("true", "the boolean `true`"),
        ("[]", "a list"),
        ("{}", "a mapping"),
        ("~", "null"),
        ("''", "an empty text"),
        ("\"a\\e[31m\"", "`a\\u{1b}[31m`"),
    ] {
        let document = parse("t", text).unwrap();
        let found = describe(document.root()).to_string();
        assert_eq!(nvmeroot_plan::tidy(found), expected);
    }
    let long = "x".repeat(100);
    let document = parse("t", &long).unwrap();
    assert_eq!(
        describe(document.root()).to_string(),
        format!("`{}…`", "x".repeat(60))
    );
}

#[test]
fn base64_decodes_as_python_does() {
    assert_eq!(base64("aGVs\nbG8=\n").as_deref(), Some(&b"hello"[..]));
    assert_eq!(base64("").as_deref(), Some(&b""[..]));
    assert_eq!(base64("aGVsbG8"), None);
    assert_eq!(
        base64("//79/A==").as_deref(),
        Some(&[0xff, 0xfe, 0xfd, 0xfc][..])
    );
    assert_eq!(base64("é"), None);
}

#[test]
fn what_pyyaml_refuses_is_found_wherever_it_stands() {
    let text =
        "a: !foo x\nb: [!!str [1], !!omap [a: 1], !!set {a}]\n? [k]\n: v\n<<: 3\nc: !!int z\n";
    let document = parse("t", text).unwrap();
    let found: Vec<String> = refusals(&document)
        .into_iter()
        .map(|(node, refusal)| format!("{} {refusal}", node.position()))
        .collect();
    assert_eq!(
        found,
        [
            "1:9 the tag `!foo` has no meaning here",
            "2:11 the tag `tag:yaml.org,2002:str` does not fit this value",
            "6:10 this cannot be read as `int`",
            "3:3 a mapping or a list cannot be a key",
            "5:5 the value of a merge key `<<` must be a mapping or a list of mappings",
        ]
    );
}

#[test]
fn a_mac_that_became_a_number_is_recovered() {
    for mac in [
        "11:22:33:44:55:16",
        "52:54:00:12:34:56",
        "10:00:00:00:00:00",
        "98:03:00:59:01:02",
    ] {
        let document = parse("t", mac).unwrap();
        let Ok(Value::Integer(integer)) = resolve(document.root().as_scalar().unwrap()) else {
            panic!("{mac} is no number");
        };
        let number = integer.value.unwrap();
        assert_eq!(pyyaml::base60_mac(number).as_deref(), Some(mac));
    }
    for number in [0, -1, 1500, 4420, 60_i128.pow(5), 100 * 60_i128.pow(5)] {
        assert_eq!(pyyaml::base60_mac(number), None, "{number}");
    }
}
