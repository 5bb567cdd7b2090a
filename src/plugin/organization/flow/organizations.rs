//! Organizations: create, change, delete, look at, make active. Better Auth's crud-org.

use serde_json::{Map, Value};

use super::{NO_SESSION, acting, activate, actor, check_index_takes, leave_active, organization_of};
use crate::error::{AuthError, Code};
use crate::flow::fields::{self, Action};
use crate::flow::input::{Input, Issues};
use crate::flow::json::{self as shared, Object, stringify};
use crate::flow::session::{Caller, Live};
use crate::plugin::listing::rows;
use crate::plugin::organization::hooks::{Hook, after, before, decides, hook, made, text};
use crate::plugin::organization::permission::{is_creator, may};
use crate::plugin::organization::store::member::WithUser;
use crate::plugin::organization::store::organization::{Changed, Changes, New};
use crate::plugin::organization::store::{
    Invitation, Member, Organization, Team, invitation, member, organization, team,
};
use crate::plugin::organization::{codes, creator_role, json, options};
use crate::store::fields::Given;
use crate::store::server::{Timestamp, is_writable, lock_value};
use crate::store::user::{self, User};

/// What is said to who is no member.
const STRANGER: Code = codes::USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION;

/// Metadata that a list of organizations has room for.
fn check_metadata_size(issues: &mut Issues, field: &str, metadata: Option<&Map<String, Value>>) {
    let text = metadata.map(|metadata| stringify(&Value::Object(metadata.clone())));
    issues.bounded(field, text.as_deref());
}

// ── Creation ─────────────────────────────────────────────────────────────────────────────────────

/// Makes an organization, whose first member is who calls; of a server's own call (`is_own`) the user that it names.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, YOU_ARE_NOT_ALLOWED_TO_CREATE_A_NEW_ORGANIZATION,
/// YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_ORGANIZATIONS, ORGANIZATION_ALREADY_EXISTS, and those of hooks.
pub(in crate::plugin::organization) fn create(
    caller: &mut dyn Caller,
    body: &Map<String, Value>,
    is_own: bool,
) -> Result<(Organization, Member), AuthError> {
    let mut issues = Issues::of_body();
    let name = issues.not_empty("name", body.get("name").into());
    let slug = issues.not_empty("slug", body.get("slug").into());
    let user_id = body.get("userId").map(|value| issues.coerced("userId", Some(value)));
    let logo = issues.nullish("logo", body.get("logo").into());
    let metadata = issues.optional_object("metadata", "record", body.get("metadata"));
    let keeps = issues
        .optional_boolean("keepCurrentActiveOrganization", body.get("keepCurrentActiveOrganization").into());
    let additional = fields::of_schema(organization::TABLE, body, Action::Create, &mut issues, "")?;
    issues.bounded("name", Some(name));
    check_index_takes(&mut issues, "slug", Some(slug));
    issues.bounded("logo", logo.flatten());
    check_metadata_size(&mut issues, "metadata", metadata);
    issues.finish()?;

    let live = if is_own { None } else { Some(caller.session_for_others()?.ok_or(NO_SESSION)?) };
    let user = match &live {
        Some(live) => live.user.clone(),
        None => {
            let named = user_id.filter(|id| !id.is_empty()).ok_or(NO_SESSION)?;
            user::find(&named)?.ok_or(NO_SESSION)?
        }
    };
    check_may_create(&user, live.is_none())?;
    if organization::find_by_slug(slug)?.is_some() {
        return Err(codes::ORGANIZATION_ALREADY_EXISTS.into());
    }
    let mut draft = Map::from_iter([("name".into(), name.into()), ("slug".into(), slug.into())]);
    draft.extend(logo.map(|logo| ("logo".into(), logo.into())));
    draft.extend(metadata.map(|metadata| ("metadata".into(), metadata.clone().into())));
    draft.extend(fields::as_given(&additional, body));
    let organization = insert(draft, additional, &user)?;
    let member = add_creator(&organization, &user)?;
    let team_id = match options::teams() && options::default_team() {
        true => Some(create_default_team(&organization, &user)?),
        false => None,
    };
    after(hook!(after_create_organization_function), || {
        told(&organization, &user).json("member", &json::member(&member).finish())
    })?;
    if let Some(live) = live.filter(|_| keeps != Some(true)) {
        let team = team_id.as_deref().map(Some);
        activate(&live, Some(&organization.id), team)?;
    }
    Ok((organization, member))
}

/// `{organization, user}` of an organization that is new.
fn told(organization: &Organization, user: &User) -> Object {
    Object::new()
        .json("organization", &json::organization_parsed(organization).finish())
        .json("user", &shared::user(user))
}

/// # Errors
/// YOU_ARE_NOT_ALLOWED_TO_CREATE_A_NEW_ORGANIZATION, which a server's own call is,
/// YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_ORGANIZATIONS.
fn check_may_create(user: &User, is_own: bool) -> Result<(), AuthError> {
    let told = || Object::new().json("user", &shared::user(user));
    let may_create = decides(hook!(allow_user_to_create_organization_function), told)?;
    if !may_create.unwrap_or_else(options::allow_user_to_create_organization) && !is_own {
        return Err(codes::YOU_ARE_NOT_ALLOWED_TO_CREATE_A_NEW_ORGANIZATION.into());
    }
    let (function, most) = (hook!(organization_limit_function), options::organization_limit());
    if function.1.is_none() && most.is_none() {
        return Ok(());
    }
    // No row stands for all organizations of a user: of two requests at once the second counts what the first made.
    lock_value(member::TABLE, &user.id)?;
    let has_reached = match (decides(function, told)?, most) {
        (Some(has_reached), _) => has_reached,
        (None, Some(most)) => organization::count_of_user(&user.id, most)? >= most,
        (None, None) => false,
    };
    if has_reached {
        return Err(codes::YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_ORGANIZATIONS.into());
    }
    Ok(())
}

/// Makes the row of what a request asked for, and what a hook made of that.
fn insert(
    mut draft: Map<String, Value>,
    mut additional: Vec<Given>,
    user: &User,
) -> Result<Organization, AuthError> {
    let hook: Hook = hook!(before_create_organization_function);
    let setting = hook.0;
    let told = || {
        Object::new()
            .json("organization", &Object::new().members(&draft).finish())
            .json("user", &shared::user(user))
    };
    if let Some(data) = before(hook, told)? {
        fields::set_over(organization::TABLE, &mut additional, &data)?;
        draft.extend(data);
    }
    let metadata = draft.get("metadata").filter(|metadata| !metadata.is_null()).map(stringify);
    let new = New {
        id: text(setting, &draft, "id")?,
        name: text(setting, &draft, "name")?.unwrap_or_default(),
        slug: text(setting, &draft, "slug")?.unwrap_or_default(),
        logo: text(setting, &draft, "logo")?,
        metadata: metadata.as_deref(),
        additional: &additional,
    };
    organization::create(&new)?.ok_or_else(|| codes::ORGANIZATION_ALREADY_EXISTS.into())
}

/// Makes who creates an organization its first member.
fn add_creator(organization: &Organization, user: &User) -> Result<Member, AuthError> {
    let hook: Hook = hook!(before_add_member_function);
    let setting = hook.0;
    let mut draft = Map::from_iter([
        ("userId".into(), Value::from(&*user.id)),
        ("organizationId".into(), Value::from(&*organization.id)),
        ("role".into(), Value::from(creator_role())),
    ]);
    let mut additional = Vec::new();
    let told_of = |member: &str| told(organization, user).json("member", member);
    if let Some(data) = before(hook, || told_of(&Object::new().members(&draft).finish()))? {
        fields::set_over(member::TABLE, &mut additional, &data)?;
        draft.extend(data);
    }
    let field = |name| Ok::<_, AuthError>(text(setting, &draft, name)?.unwrap_or_default());
    let member = member::create(field("organizationId")?, field("userId")?, field("role")?, &additional)?;
    after(hook!(after_add_member_function), || told_of(&json::member(&member).finish()))?;
    Ok(member)
}

/// Makes the first team of an organization, with who creates it in it; the team's id.
fn create_default_team(organization: &Organization, user: &User) -> Result<String, AuthError> {
    let hook: Hook = hook!(before_create_team_function);
    let setting = hook.0;
    let mut draft = Map::from_iter([
        ("organizationId".into(), Value::from(&*organization.id)),
        ("name".into(), Value::from(&*organization.name)),
    ]);
    let mut additional = Vec::new();
    let told_of = |team: &str| told(organization, user).json("team", team);
    if let Some(data) = before(hook, || told_of(&Object::new().members(&draft).finish()))? {
        fields::set_over(team::TABLE, &mut additional, &data)?;
        draft.extend(data);
    }
    let organization_told =
        || Object::new().json("organization", &json::organization_parsed(organization).finish());
    let (id, json) = match made(hook!(create_default_team_function), organization_told)? {
        Some(made) => made,
        None => {
            let team = team::create(&team::New {
                id: text(setting, &draft, "id")?,
                name: text(setting, &draft, "name")?.unwrap_or_default(),
                organization_id: text(setting, &draft, "organizationId")?.unwrap_or_default(),
                created_at: Timestamp::now(),
                updated_at: None,
                additional: &additional,
            })?;
            let json = json::team(&team).finish();
            (team.id, json)
        }
    };
    team::add_member(&id, &user.id, None)?;
    after(hook!(after_create_team_function), || told_of(&json))?;
    Ok(id)
}

// ── Slugs ────────────────────────────────────────────────────────────────────────────────────────

/// Refuses a slug that an organization has. A server's own call (`is_own`) needs no session.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, ORGANIZATION_SLUG_ALREADY_TAKEN.
pub(in crate::plugin::organization) fn check_slug(
    caller: &mut dyn Caller,
    slug: Input<'_>,
    is_own: bool,
) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let slug = issues.required("slug", slug);
    issues.finish()?;
    if !is_own {
        actor(caller)?;
    }
    match organization::find_by_slug(slug)? {
        None => Ok(()),
        Some(_) => Err(codes::ORGANIZATION_SLUG_ALREADY_TAKEN.into()),
    }
}

// ── Change and deletion ──────────────────────────────────────────────────────────────────────────

/// Changes an organization.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, ORGANIZATION_NOT_FOUND, USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION,
/// YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_ORGANIZATION, ORGANIZATION_SLUG_ALREADY_TAKEN, and those of the hook.
pub(in crate::plugin::organization) fn update(
    caller: &mut dyn Caller,
    data: Option<&Value>,
    organization_id: Input<'_>,
) -> Result<Organization, AuthError> {
    let none = Map::new();
    let mut issues = Issues::of_body();
    let data = match data {
        None => {
            issues.add("data", "Invalid input: expected object, received undefined");
            &none
        }
        data => issues.optional_object("data", "object", data).unwrap_or(&none),
    };
    let mut additional = fields::of_schema(organization::TABLE, data, Action::Update, &mut issues, "data.")?;
    let not_empty = |issues: &mut Issues, name: &str| {
        data.get(name).map(|value| issues.not_empty(&format!("data.{name}"), Some(value).into()).to_owned())
    };
    let name = not_empty(&mut issues, "name");
    let slug = not_empty(&mut issues, "slug");
    let logo = issues.nullish("data.logo", data.get("logo").into());
    let metadata = issues.optional_object("data.metadata", "record", data.get("metadata"));
    let organization_id = issues.optional("organizationId", organization_id);
    issues.bounded("data.name", name.as_deref());
    check_index_takes(&mut issues, "data.slug", slug.as_deref());
    issues.bounded("data.logo", logo.flatten());
    check_metadata_size(&mut issues, "data.metadata", metadata);
    issues.finish()?;

    let live = caller.session_for_others()?.ok_or(codes::NO_USER)?;
    let organization_id = organization_of(organization_id, &live).ok_or(codes::ORGANIZATION_NOT_FOUND)?;
    let refusal = codes::YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_ORGANIZATION;
    let member = acting(&organization_id, &live, ("organization", "update"), [STRANGER, refusal])?;
    let organization_id = &member.organization_id;
    let is_other = |found: Option<Organization>| found.is_some_and(|found| found.id != *organization_id);
    if let Some(slug) = &slug
        && is_other(organization::find_by_slug(slug)?)
    {
        return Err(codes::ORGANIZATION_SLUG_ALREADY_TAKEN.into());
    }
    let mut draft = Map::new();
    draft.extend(name.map(|name| ("name".into(), name.into())));
    draft.extend(slug.map(|slug| ("slug".into(), slug.into())));
    draft.extend(logo.map(|logo| ("logo".into(), logo.into())));
    draft.extend(metadata.map(|metadata| ("metadata".into(), metadata.clone().into())));
    draft.extend(fields::as_given(&additional, data));
    let told_of = |organization: &str| {
        Object::new()
            .json("organization", organization)
            .json("user", &shared::user(&live.user))
            .json("member", &json::member_with_user(&member, &live.user).finish())
    };
    let hook: Hook = hook!(before_update_organization_function);
    let setting = hook.0;
    if let Some(data) = before(hook, || told_of(&Object::new().members(&draft).finish()))? {
        fields::set_over(organization::TABLE, &mut additional, &data)?;
        draft.extend(data);
    }
    let metadata = draft.get("metadata").map(stringify);
    let changes = Changes {
        name: text(setting, &draft, "name")?,
        slug: text(setting, &draft, "slug")?,
        logo: draft.contains_key("logo").then(|| text(setting, &draft, "logo")).transpose()?,
        metadata: metadata.as_deref(),
        additional: &additional,
    };
    let changed = match organization::update(organization_id, &changes)? {
        Changed::Done(changed) => changed,
        Changed::Gone => return Err(codes::ORGANIZATION_NOT_FOUND.into()),
        Changed::Taken => return Err(codes::ORGANIZATION_SLUG_ALREADY_TAKEN.into()),
    };
    after(hook!(after_update_organization_function), || {
        told_of(&json::organization_parsed(&changed).finish())
    })?;
    Ok(changed)
}

/// Deletes an organization, with all that belongs to it.
///
/// # Errors
/// VALIDATION_ERROR, ORGANIZATION_DELETION_DISABLED, 401 without a session, ORGANIZATION_NOT_FOUND,
/// USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION, YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_ORGANIZATION, and those of the hook.
pub(in crate::plugin::organization) fn delete(
    caller: &mut dyn Caller,
    organization_id: Input<'_>,
) -> Result<Organization, AuthError> {
    let mut issues = Issues::of_body();
    let organization_id = issues.required("organizationId", organization_id);
    issues.finish()?;
    if options::disable_organization_deletion() {
        return Err(codes::ORGANIZATION_DELETION_DISABLED.into());
    }
    let live = caller.session_for_others()?.ok_or(NO_SESSION)?;
    if organization_id.is_empty() {
        return Err(codes::ORGANIZATION_NOT_FOUND.into());
    }
    let check = || {
        let refusal = codes::YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_ORGANIZATION;
        acting(organization_id, &live, ("organization", "delete"), [STRANGER, refusal])
    };
    let member = check()?;
    let Some(organization) = organization::lock(&member.organization_id)? else {
        return Err(AuthError::Bare(400, "Bad Request"));
    };
    // Somebody may have taken the role away meanwhile.
    check()?;
    let told = || {
        Object::new()
            .json("organization", &json::organization(&organization).finish())
            .json("user", &shared::user(&live.user))
    };
    before(hook!(before_delete_organization_function), told)?;
    organization::delete(&organization.id)?;
    leave_active(&live, &organization.id)?;
    after(hook!(after_delete_organization_function), told)?;
    Ok(organization)
}

// ── A look ───────────────────────────────────────────────────────────────────────────────────────

/// The organization that a request names, and what its member is who calls; `None` where it names none and the session
/// is about none. Where who calls is no member, the session is about no organization from here on.
///
/// # Errors
/// ORGANIZATION_NOT_FOUND, USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION.
fn seen(
    live: &Live,
    id: Option<&str>,
    slug: Option<&str>,
) -> Result<Option<(Organization, Member)>, AuthError> {
    let found = match slug.filter(|slug| !slug.is_empty()) {
        Some(slug) => organization::find_by_slug_with_member(slug, &live.user.id)?,
        None => match organization_of(id, live) {
            Some(id) => organization::find_with_member(&id, &live.user.id)?,
            None => return Ok(None),
        },
    };
    match found.ok_or(codes::ORGANIZATION_NOT_FOUND)? {
        (organization, Some(member)) => Ok(Some((organization, member))),
        (_, None) => Err(turned_away(live)?),
    }
}

/// The refusal of who is no member, whose session is about no organization from here on.
fn turned_away(live: &Live) -> Result<AuthError, AuthError> {
    if is_writable() {
        activate(live, None, None)?;
    }
    Ok(AuthError::ApiWith(STRANGER, 403))
}

/// An organization without who is in it.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, ORGANIZATION_NOT_FOUND, USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION.
pub(in crate::plugin::organization) fn get(
    caller: &mut dyn Caller,
    id: Input<'_>,
    slug: Input<'_>,
) -> Result<Option<Organization>, AuthError> {
    let mut issues = Issues::of_query();
    let id = issues.optional("organizationId", id);
    let slug = issues.optional("organizationSlug", slug);
    issues.finish()?;
    let live = actor(caller)?;
    Ok(seen(&live, id, slug)?.map(|(organization, _)| organization))
}

/// An organization with all that belongs to it.
pub(in crate::plugin::organization) struct Full {
    pub(in crate::plugin::organization) organization: Organization,
    /// Those that who asks may see.
    pub(in crate::plugin::organization) invitations: Vec<Invitation>,
    pub(in crate::plugin::organization) members: Vec<WithUser>,
    /// `None` where there are no teams.
    pub(in crate::plugin::organization) teams: Option<Vec<Team>>,
}

/// An organization with its members, invitations and teams.
///
/// # Errors
/// As [`get`].
pub(in crate::plugin::organization) fn get_full(
    caller: &mut dyn Caller,
    id: Input<'_>,
    slug: Input<'_>,
    members_limit: Option<&Value>,
) -> Result<Option<Full>, AuthError> {
    /// Better Auth's, and the most that one answer holds.
    const USUAL: i64 = 100;
    const MOST: i64 = 1_000;
    let mut issues = Issues::of_query();
    let id = issues.optional("organizationId", id);
    let slug = issues.optional("organizationSlug", slug);
    let limit = match members_limit {
        None => None,
        Some(Value::String(text)) => Some(parse_int(text)).filter(|limit| !limit.is_nan() && *limit != 0.0),
        Some(_) => Some(-1.0),
    };
    let limit = rows(limit, USUAL).unwrap_or_else(|| {
        issues.add("membersLimit", "Invalid input");
        0
    });
    issues.finish()?;
    let live = actor(caller)?;
    let Some((organization, own)) = seen(&live, id, slug)? else { return Ok(None) };
    let members = member::list(&organization.id, limit.min(MOST), 0)?;
    let mut invitations = Vec::new();
    // Who knows an invitation's id may be who was invited.
    if may(&organization.id, &own.role, "invitation", "create")? {
        invitations = invitation::list(&organization.id)?;
        if !is_creator(&own.role) {
            invitations.retain(|invitation| !invitation.role.as_deref().is_some_and(is_creator));
        }
    }
    let teams = if options::teams() { Some(team::list(&organization.id)?) } else { None };
    Ok(Some(Full { organization, invitations, members, teams }))
}

/// JavaScript's `parseInt`: NaN where the text begins with no number.
fn parse_int(text: &str) -> f64 {
    let text = text.trim_start_matches(|c: char| c == '\u{feff}' || c.is_whitespace() && c != '\u{85}');
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (radix, digits) = hexadecimal.map_or((10, digits), |digits| (16, digits));
    let mut digits = digits.chars().map_while(|digit| digit.to_digit(radix)).peekable();
    match digits.peek() {
        None => f64::NAN,
        Some(_) => sign * digits.fold(0.0, |sum, digit| sum * f64::from(radix) + f64::from(digit)),
    }
}

/// The organizations of who calls.
///
/// # Errors
/// UNAUTHORIZED.
pub(in crate::plugin::organization) fn list(caller: &mut dyn Caller) -> Result<Vec<Organization>, AuthError> {
    organization::list_of_user(&actor(caller)?.user.id)
}

// ── The active one ───────────────────────────────────────────────────────────────────────────────

/// Makes the caller's session be about an organization, or about none; that organization, and the session where it was
/// changed.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, ORGANIZATION_NOT_FOUND, USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION, and
/// FAILED_TO_GET_SESSION where the session is gone meanwhile.
pub(in crate::plugin::organization) fn set_active(
    caller: &mut dyn Caller,
    id: Input<'_>,
    slug: Input<'_>,
) -> Result<(Option<Organization>, Option<Live>), AuthError> {
    let mut issues = Issues::of_body();
    let id = issues.nullish("organizationId", id);
    let slug = issues.optional("organizationSlug", slug);
    issues.finish()?;
    let live = actor(caller)?;
    let changed = |organization| {
        let changed = activate(&live, organization, None)?;
        changed.map(Some).ok_or(AuthError::from(Code::FAILED_TO_GET_SESSION))
    };
    let found = match (id, slug.filter(|slug| !slug.is_empty())) {
        (Some(None), _) => {
            let is_active = organization_of(None, &live).is_some();
            return Ok((None, if is_active { changed(None)? } else { None }));
        }
        (id, slug) => match (id.flatten().filter(|id| !id.is_empty()), slug) {
            (None, Some(slug)) => {
                let found = organization::find_by_slug_with_member(slug, &live.user.id)?;
                Some(found.ok_or(codes::ORGANIZATION_NOT_FOUND)?)
            }
            (id, _) => match organization_of(id, &live) {
                Some(id) => organization::find_with_member(&id, &live.user.id)?,
                None => return Ok((None, None)),
            },
        },
    };
    let Some((organization, Some(_))) = found else { return Err(turned_away(&live)?) };
    let live = changed(Some(&organization.id))?;
    Ok((Some(organization), live))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::input::js_number_text;

    /// Each line was put to Node.
    #[test]
    fn whole_numbers_are_javascripts() {
        for (text, number) in [
            ("5", "5"),
            (" \u{feff}12abc", "12"),
            ("-3", "-3"),
            ("+4.9", "4"),
            ("0x1F", "31"),
            ("0x", "NaN"),
            ("", "NaN"),
            ("-", "NaN"),
            ("abc", "NaN"),
            ("1e3", "1"),
        ] {
            assert_eq!(js_number_text(parse_int(text)), number, "{text:?}");
        }
    }
}
