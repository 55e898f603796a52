//! As much of a shell's grammar as files of settings that a shell reads have.

/// The simple commands of a script, each with the number of its first line: what stands
/// between line ends, `;`, `&` and `|` outside of quotes. A line that ends with `\` goes on
/// in the next one; comments are left out.
pub(super) fn commands(script: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut text = String::new();
    let (mut first, mut line) = (1, 1);
    let mut quote = None;
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => match chars.next() {
                Some('\n') => line += 1,
                next => text.extend([c].into_iter().chain(next)),
            },
            ('\n' | ';' | '&' | '|', None) => {
                found.push((first, std::mem::take(&mut text)));
                line += usize::from(c == '\n');
            }
            ('#', None) if text.is_empty() || text.ends_with(char::is_whitespace) => {
                while chars.next_if(|next| *next != '\n').is_some() {}
            }
            (c, None) if c.is_whitespace() && text.is_empty() => {}
            _ => {
                if text.is_empty() {
                    first = line;
                }
                match quote {
                    Some(open) => quote = quote.filter(|_| c != open),
                    None => quote = Some(c).filter(|c| matches!(c, '\'' | '"')),
                }
                line += usize::from(c == '\n');
                text.push(c);
            }
        }
    }
    found.push((first, text));
    found.retain(|(_, text)| !text.is_empty());
    found
}

/// What a shell takes for the value of an assignment: comments and quotes are none of it.
/// `None`: a quote has no end.
pub(super) fn value(text: &str) -> Option<String> {
    let words = shlex::split(text)?;
    Some(words.into_iter().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_cut_into_commands() {
        let script = "# a; b\n\n  a=1; b='2;\n#' # c\nc+=\" 3 \\\n 4 \"\nd=5#\\\n6 && e=\\#7\n\"f\ng\"|h\n\"i";
        let commands = commands(script);
        let commands: Vec<(usize, &str)> = commands
            .iter()
            .map(|(line, text)| (*line, text.as_str()))
            .collect();
        assert_eq!(
            commands,
            [
                (3, "a=1"),
                (3, "b='2;\n#' "),
                (5, "c+=\" 3  4 \""),
                (7, "d=5#6 "),
                (8, "e=\\#7"),
                (9, "\"f\ng\""),
                (10, "h"),
                (11, "\"i"),
            ]
        );
    }

    #[test]
    fn a_value_is_what_a_shell_takes_for_it() {
        for (text, value) in [
            (
                "\"quiet nvmeroot=on\" # nvmeroot=off",
                Some("quiet nvmeroot=on"),
            ),
            ("'a \"b c\"'", Some("a \"b c\"")),
            ("\"a=\\\"b c\\\" d\"", Some("a=\"b c\" d")),
            ("\" a \"' b '\\ c", Some(" a  b  c")),
            ("quiet", Some("quiet")),
            ("", Some("")),
            ("\"open", None),
        ] {
            assert_eq!(super::value(text).as_deref(), value, "{text}");
        }
    }
}
