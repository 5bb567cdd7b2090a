//! The page that shows the document: all of it is in it, it loads nothing and runs no script.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("page.css");

/// Schemas within schemas that are shown.
const MAX_DEPTH: usize = 8;

/// The Content-Security-Policy of the page: its style, and nothing else.
pub(super) fn policy(nonce: Option<&str>) -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let nonce = nonce.map(|nonce| format!(" 'nonce-{}'", plain(nonce))).unwrap_or_default();
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'{nonce}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// A nonce in the letters that one has.
fn plain(nonce: &str) -> String {
    let is_plain =
        |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/' | '-' | '_' | '=');
    nonce.chars().filter(is_plain).collect()
}

/// The page.
pub(super) fn show(document: &Value, nonce: Option<&str>) -> String {
    let mut page = Page(String::with_capacity(256 * 1024));
    let title = text(&document["info"]["title"]);
    page.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>");
    page.text(title).raw(" API</title><style");
    if let Some(nonce) = nonce {
        page.raw(" nonce=\"").text(&plain(nonce)).raw("\"");
    }
    page.raw(">").raw(STYLE).raw("</style></head><body><main><h1>").text(title).raw("</h1>");
    page.element("p", text(&document["info"]["description"]));
    for server in document["servers"].as_array().into_iter().flatten() {
        page.raw("<p>Server: <code>").text(text(&server["url"])).raw("</code></p>");
    }
    page.endpoints(document);
    page.raw("<section><h2>Schemas</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        page.raw("<details><summary><code>").text(name).raw("</code></summary>");
        page.schema(schema, 0);
        page.raw("</details>");
    }
    page.raw("</section></main></body></html>\n");
    page.0
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

struct Page(String);

impl Page {
    /// Markup of ours.
    fn raw(&mut self, markup: &str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, whatever is in it.
    fn text(&mut self, text: &str) -> &mut Self {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                letter => self.0.push(letter),
            }
        }
        self
    }

    /// An element of nothing but text; none where there is no text.
    fn element(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.raw("<").raw(name).raw(">").text(text).raw("</").raw(name).raw(">");
        }
    }

    /// All endpoints under the tags that they have, in the order in which tags come up.
    fn endpoints(&mut self, document: &Value) {
        let paths = || {
            document["paths"].as_object().into_iter().flatten().flat_map(|(path, methods)| {
                methods.as_object().into_iter().flatten().map(move |(method, one)| (path, method, one))
            })
        };
        // Every endpoint has one tag first; others say more of it.
        let tag = |endpoint: &Value| {
            text(endpoint["tags"].as_array().and_then(|tags| tags.last()).unwrap_or(&Value::Null)).to_owned()
        };
        let mut tags: Vec<String> = Vec::new();
        for (_, _, endpoint) in paths() {
            let tag = tag(endpoint);
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        for name in tags {
            self.raw("<section>").element("h2", &name);
            for (path, method, endpoint) in paths().filter(|(_, _, endpoint)| tag(endpoint) == name) {
                self.endpoint(path, method, endpoint);
            }
            self.raw("</section>");
        }
    }

    fn endpoint(&mut self, path: &str, method: &str, endpoint: &Value) {
        let description = text(&endpoint["description"]);
        let summary = description.lines().next().unwrap_or_default();
        self.raw("<details><summary><b class=\"").text(method).raw("\">").text(&method.to_uppercase());
        self.raw("</b> <code>").text(path).raw("</code> <span>").text(summary).raw("</span></summary>");
        self.element("p", description.split_once('\n').map_or("", |(_, rest)| rest.trim()));
        let parameters = endpoint["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        if !parameters.is_empty() {
            self.raw("<h3>Parameters</h3><ul>");
            for parameter in parameters {
                let is_required = parameter["required"] == true;
                self.field(
                    text(&parameter["name"]),
                    text(&parameter["in"]),
                    is_required,
                    &parameter["schema"],
                    0,
                );
            }
            self.raw("</ul>");
        }
        if let Some(body) = endpoint.get("requestBody") {
            self.raw("<h3>Body</h3>");
            self.content(body);
        }
        self.raw("<h3>Answers</h3>");
        for (status, answer) in endpoint["responses"].as_object().into_iter().flatten() {
            self.raw("<details><summary><b>")
                .text(status)
                .raw("</b> <span>")
                .text(text(&answer["description"]));
            self.raw("</span></summary>");
            self.content(answer);
            self.raw("</details>");
        }
        self.raw("</details>");
    }

    /// The schemas of a body or an answer.
    fn content(&mut self, one: &Value) {
        for (kind, content) in one["content"].as_object().into_iter().flatten() {
            self.element("p", kind);
            self.schema(&content["schema"], 0);
        }
    }

    fn field(&mut self, name: &str, place: &str, is_required: bool, schema: &Value, depth: usize) {
        self.raw("<li><code>").text(name).raw("</code> <i>").text(&kind(schema)).raw("</i>");
        for word in [place, if is_required { "required" } else { "" }] {
            if !word.is_empty() {
                self.raw(" <small>").text(word).raw("</small>");
            }
        }
        let description = text(&schema["description"]);
        if !description.is_empty() {
            self.raw(" ").text(description);
        }
        if kind(schema) != text(&schema["type"]) || has_fields(schema) {
            self.schema(schema, depth + 1);
        }
        self.raw("</li>");
    }

    /// A schema's fields, those of the items of an array, or the schemas that it may be.
    fn schema(&mut self, schema: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        if depth == 0 && !has_fields(schema) {
            self.element("p", &kind(schema));
        }
        if let Some(properties) = schema["properties"].as_object() {
            let required = schema["required"].as_array();
            self.raw("<ul>");
            for (name, property) in properties {
                let is_required = required.is_some_and(|names| names.iter().any(|known| known == name));
                self.field(name, "", is_required, property, depth);
            }
            self.raw("</ul>");
        }
        for inner in ["items", "additionalProperties"] {
            if schema[inner].is_object() {
                self.schema(&schema[inner], depth + 1);
            }
        }
        for several in ["anyOf", "oneOf", "allOf"] {
            for one in schema[several].as_array().into_iter().flatten() {
                self.schema(one, depth + 1);
            }
        }
    }
}

fn has_fields(schema: &Value) -> bool {
    ["properties", "items", "additionalProperties", "anyOf", "oneOf", "allOf"]
        .iter()
        .any(|name| schema.get(name).is_some_and(|inner| !inner.is_boolean()))
}

/// A schema in a word or two.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ");
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("{}[]", kind_of_items(schema)),
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" | "),
        _ => String::new(),
    }
}

fn kind_of_items(schema: &Value) -> String {
    kind(&schema["items"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn page() -> String {
        let hostile = "<script src=//x>'\"&";
        let schema = json!({
            "type": "object",
            "properties": { hostile: { "type": "array", "items": { "$ref": hostile } }, "e": { "enum": [hostile] } },
            "required": [hostile],
        });
        let endpoint = json!({
            "tags": ["Default", hostile],
            "description": format!("{hostile}\n{hostile}"),
            "parameters": [{ "name": hostile, "in": hostile, "required": true, "schema": { "type": [hostile, "null"] } }],
            "requestBody": { "content": { hostile: { "schema": schema } } },
            "responses": { hostile: { "description": hostile } },
        });
        let document = json!({
            "info": { "title": hostile, "description": hostile },
            "servers": [{ "url": hostile }],
            "components": { "schemas": { hostile: schema } },
            "paths": { hostile: { hostile: endpoint } },
        });
        show(&document, Some(hostile))
    }

    #[test]
    fn nothing_of_the_document_is_markup() {
        let page = page();
        assert!(!page.contains("<script") && page.contains("&lt;script src=//x&gt;&#39;&quot;&amp;"));
        assert!(page.contains("<style nonce=\"scriptsrc=//x\">"));
    }

    #[test]
    fn elements_end_where_they_began() {
        let page = page();
        for name in
            ["details", "summary", "ul", "li", "section", "code", "b", "i", "small", "span", "p", "main"]
        {
            let open =
                page.matches(&format!("<{name}>")).count() + page.matches(&format!("<{name} ")).count();
            assert_eq!(open, page.matches(&format!("</{name}>")).count(), "{name}");
        }
    }

    #[test]
    fn the_page_asks_for_nothing_and_runs_nothing() {
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains('<'));
        let policy = policy(Some("a'; script-src *"));
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.contains("'nonce-ascript-src'"), "{policy}");
    }
}
