//! What the tokens of a body come to: the same wherever they stand, and however they are laid out.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// FNV-1a over 128 bits.
struct Hasher(u128);

impl Hasher {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(Self::PRIME);
        }
    }

    /// A kind of token, and its text with its length, so that no two rows of tokens read the same.
    fn token(&mut self, kind: u8, text: &str) {
        self.update(&[kind]);
        self.update(&(text.len() as u64).to_le_bytes());
        self.update(text.as_bytes());
    }

    fn tokens(&mut self, tokens: &[TokenTree], inside: Inside) {
        let (mut rest, mut before) = (tokens, None);
        while let Some((token, after)) = rest.split_first() {
            let last = before.replace(token);
            rest = after;
            if let TokenTree::Punct(punct) = token
                && punct.as_char() == '#'
                && let Some(after) = after_doc(rest)
            {
                rest = after;
                continue;
            }
            match token {
                // Where a list is broken into lines, rustfmt ends it with a comma, and takes that away where it is not.
                TokenTree::Punct(punct)
                    if punct.as_char() == ',' && rest.is_empty() && inside == Inside::List => {}
                TokenTree::Punct(punct) => self.token(b'p', punct.as_char().encode_utf8(&mut [0; 4])),
                TokenTree::Ident(ident) => self.token(b'i', &ident.to_string()),
                TokenTree::Literal(literal) => self.token(b'l', &literal.to_string()),
                TokenTree::Group(group) => {
                    let within: Vec<_> = group.stream().into_iter().collect();
                    let brackets = match group.delimiter() {
                        Delimiter::Parenthesis => "()",
                        Delimiter::Brace => "{}",
                        Delimiter::Bracket => "[]",
                        // What a macro made of a fragment: it is not seen in the text.
                        Delimiter::None => {
                            self.tokens(&within, Inside::Fragment);
                            continue;
                        }
                    };
                    self.token(b'o', &brackets[..1]);
                    self.tokens(&within, Inside::of(group.delimiter(), &within, last));
                    self.token(b'c', &brackets[1..]);
                }
            }
        }
    }
}

/// What a row of tokens is within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Brackets, where a last comma means nothing.
    List,
    /// The parentheses of `(one,)`, which is a tuple because of its comma.
    One,
    /// No brackets.
    Fragment,
}

impl Inside {
    fn of(delimiter: Delimiter, tokens: &[TokenTree], before: Option<&TokenTree>) -> Self {
        let is_comma =
            |token: &&TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
        let is_one = delimiter == Delimiter::Parenthesis && tokens.iter().filter(is_comma).count() == 1;
        if is_one && !before.is_some_and(is_called) { Self::One } else { Self::List }
    }
}

/// Whether parentheses after this hold arguments.
fn is_called(before: &TokenTree) -> bool {
    const KEYWORDS: [&str; 9] = ["return", "break", "in", "match", "if", "while", "else", "yield", "move"];
    match before {
        TokenTree::Ident(ident) => KEYWORDS.iter().all(|keyword| ident != keyword),
        TokenTree::Punct(punct) => matches!(punct.as_char(), '>' | '?' | '!'),
        TokenTree::Group(group) => group.delimiter() != Delimiter::Brace,
        TokenTree::Literal(_) => false,
    }
}

/// What comes after the rest of a doc comment, whose first token is before `rest`.
fn after_doc(rest: &[TokenTree]) -> Option<&[TokenTree]> {
    let rest = match rest.split_first()? {
        (TokenTree::Punct(punct), rest) if punct.as_char() == '!' => rest,
        _ => rest,
    };
    let (TokenTree::Group(group), rest) = rest.split_first()? else { return None };
    let mut within = group.stream().into_iter();
    let is_doc = group.delimiter() == Delimiter::Bracket
        && matches!(within.next(), Some(TokenTree::Ident(name)) if name == "doc")
        && matches!(within.next(), Some(TokenTree::Punct(punct)) if punct.as_char() == '=');
    is_doc.then_some(rest)
}

/// The digest of a body: of its identifiers, literals, punctuation and brackets. White space, comments and doc comments, the
/// commas that end lists, and whatever is elsewhere, make no difference.
pub(crate) fn digest(body: &TokenStream) -> u128 {
    let mut hasher = Hasher(Hasher::OFFSET);
    let tokens: Vec<_> = body.clone().into_iter().collect();
    hasher.tokens(&tokens, Inside::Fragment);
    hasher.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quote::quote;

    fn of(text: &str) -> u128 {
        digest(&text.parse().unwrap())
    }

    #[test]
    fn layout_and_prose_make_no_difference() {
        let body = of("{ let x = shop.cart(1, [2, 3]).await?; if x { pay(x) } else { Ok(()) } }");
        let laid_out = "{
            // A remark.
            let x = shop
                .cart(
                    1,
                    [
                        2, 3, /* the third */
                    ],
                )
                .await?;
            if x { pay(x) } else { Ok(()) }
        }";
        assert_eq!(of(laid_out), body);
        assert_eq!(
            of("{ shop.cart(\n    1,\n) }"),
            of("{ shop.cart(1) }"),
            "the arguments of a call are no tuple"
        );
        assert_eq!(of("{ shop.cart::<X>(1,)(2,)?(3,); f!(4,) }"), of("{ shop.cart::<X>(1)(2)?(3); f!(4) }"));
        let documented = |doc: &str| of(&format!("{{ {doc}\n fn helper() {{}} helper() }}"));
        assert_eq!(documented("/// One way to say it."), documented(""));
        assert_eq!(documented("#[doc = \"Another.\"]"), documented("/** A third. */"));
        assert_eq!(of("{ //! Inner.\n f() }"), of("{ f() }"));
    }

    #[test]
    fn each_changed_token_makes_one() {
        let bodies = [
            "{ shop.cart(1, x) }",
            "{ shop.cart(2, x) }",
            "{ shop.cart(1, y) }",
            "{ shop.cart(x, 1) }",
            "{ shop.cart[1, x] }",
            "{ shop.cart(1, x); }",
            "{ shop.cart(1, -x) }",
            "{ shop.cart(1), x }",
            "{ shop.cart(1u8, x) }",
            "{ shop.cart(\"1\", x) }",
            "{ #[doc(hidden)] shop.cart(1, x) }",
            "{ #[cfg(x)] shop.cart(1, x) }",
        ];
        let digests: std::collections::BTreeSet<_> = bodies.iter().map(|body| of(body)).collect();
        assert_eq!(digests.len(), bodies.len());
        for tuple in ["(1,)", "f((1,))", "return (1,)", "let x = (1,)", "|_| (1,)"] {
            let none = tuple.replace("1,", "1");
            assert_ne!(of(tuple), of(&none), "{tuple}: one in parentheses is no tuple without its comma");
        }
        assert_ne!(of("{ a b }"), of("{ ab }"));
    }

    #[test]
    fn a_fragment_that_a_macro_passed_on_is_what_it_was_written_as() {
        let fragment = proc_macro2::Group::new(Delimiter::None, quote! { a + b });
        assert_eq!(digest(&quote! { { f(#fragment) } }), of("{ f(a + b) }"));
    }

    /// The proof of everybody's experiments is kept by these numbers: a release that changes them resets it.
    #[test]
    fn digests_stay_what_they_are() {
        assert_eq!(of(""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(of("{ shop.checkout().await }"), 0xf8c2_4ef5_6322_f04b_d157_9a1c_6512_5ed4);
    }

    proptest! {
        #[test]
        fn white_space_makes_no_difference(words in prop::collection::vec("[a-z]{1,3}|[0-9]{1,3}|\"[a-z ]{0,3}\"", 1..10), gaps in prop::collection::vec("[ \\n\\t]{1,4}", 10)) {
            let laid_out: Vec<_> = words.iter().zip(&gaps).flat_map(|(word, gap)| [word.as_str(), gap]).collect();
            prop_assert_eq!(of(&laid_out.concat()), of(&words.join(" ")));
        }
    }
}
