//! A plugin that is there in tests alone: a folder and a line are enough for one.

use crate::api::http::{Response, Route, get};
use crate::plugin::{Column, Plugin};
use crate::store::definition::TEXT;

pub(super) struct MadeUp;

impl Plugin for MadeUp {
    fn id(&self) -> &'static str {
        "made-up"
    }

    fn columns(&self) -> &'static [Column] {
        const COLUMNS: &[Column] =
            &[Column { default: Some("plain"), is_input: true, ..Column::user("flavour", TEXT) }];
        COLUMNS
    }

    fn routes(&self) -> &'static [Route] {
        const ROUTES: &[Route] =
            &[get("tasteFlavour", "/made-up/taste", |_, _| Ok(Response::json("\"good\"".into())))];
        ROUTES
    }
}
