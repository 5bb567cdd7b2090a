//! Invitations: make, take back, look at, accept, reject. Better Auth's crud-invites.
//!
//! Who knows the id of an invitation and has its email may accept it, once. What that makes (a member, places in teams)
//! is decided with the organization held, as everything that counts its members and invitations.

use serde_json::{Map, Value};
use url::Url;

use super::{acting, activate, actor, check_room, hold, joined_roles, limit, organization_of, teams};
use crate::error::{AuthError, Code};
use crate::flow::fields::{self, Action};
use crate::flow::input::{Issues, is_email};
use crate::flow::json::{Object, array, user as whole_user};
use crate::flow::mail::{self, Draft, Kind};
use crate::flow::session::{Caller, Live};
use crate::flow::sign_up::MAX_EMAIL;
use crate::plugin::organization::hooks::{Hook, after, before, hook, text};
use crate::plugin::organization::permission::{self, is_creator, role_list};
use crate::plugin::organization::store::invitation::{
    self, ACCEPTED, CANCELED, New, PENDING, REJECTED, TABLE,
};
use crate::plugin::organization::store::{Invitation, Member, Organization, member, organization};
use crate::plugin::organization::{codes, json, options};
use crate::store::fields::Given;
use crate::store::server::Timestamp;
use crate::store::subtransaction::attempt;
use crate::store::user;

/// The mail with an invitation.
const MAIL: Kind = Kind::mail("organization-invitation");

/// How long an invitation lasts where the setting says 0, in seconds.
const USUAL_LIFETIME: i64 = 172_800;

/// To how many teams somebody is invited at once.
const MOST_TEAMS: usize = 100;

// ── Making one ───────────────────────────────────────────────────────────────────────────────────

/// Invites an email to an organization, or mails an invitation once more.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, ORGANIZATION_NOT_FOUND, INVALID_EMAIL, MEMBER_NOT_FOUND, what the caller may not do,
/// ROLE_NOT_FOUND, USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION, USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION,
/// INVITATION_LIMIT_REACHED, INVALID_TEAM_ID, TEAM_NOT_FOUND, TEAM_MEMBER_LIMIT_REACHED.
pub(in crate::plugin::organization) fn create(
    caller: &mut dyn Caller,
    body: &Map<String, Value>,
) -> Result<Invitation, AuthError> {
    let mut issues = Issues::of_body();
    let email = issues.required("email", body.get("email").into());
    let roles = issues.roles("role", body.get("role"));
    let organization_id = issues.optional("organizationId", body.get("organizationId").into());
    let resends = issues.optional_boolean("resend", body.get("resend").into()) == Some(true);
    let team_ids = body.get("teamId").map(|ids| issues.roles("teamId", Some(ids))).unwrap_or_default();
    let additional = fields::of_schema(TABLE, body, Action::Create, &mut issues, "")?;
    if team_ids.len() > MOST_TEAMS {
        issues.add("teamId", &format!("Too big: expected array to have <={MOST_TEAMS} items"));
    }
    let joined = joined_roles(&mut issues, &roles);
    issues.finish()?;

    let live = actor(caller)?;
    let organization_id = organization_of(organization_id, &live).ok_or(codes::ORGANIZATION_NOT_FOUND)?;
    let email = email.to_lowercase();
    check_email(&email)?;
    let allowed = || {
        const REFUSALS: [Code; 2] =
            [codes::MEMBER_NOT_FOUND, codes::YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION];
        acting(&organization_id, &live, ("invitation", "create"), REFUSALS)
    };
    allowed()?;
    let organization = hold(&organization_id)?;
    let inviter = allowed()?;
    check_roles(&organization.id, &joined)?;
    check_gives(&inviter, &joined)?;
    if let Some(known) = user::find_by_email(&email)?
        && member::find(&organization.id, &known.id)?.is_some()
    {
        return Err(codes::USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION.into());
    }
    let now = Timestamp::now();
    let open = invitation::open(&organization.id, &email, now)?;
    let cancels = options::cancel_pending_invitations_on_re_invite();
    if !open.is_empty() && !resends && !cancels {
        return Err(codes::USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION.into());
    }
    let by = By { organization: &organization, inviter: &inviter, live: &live };
    if let Some(known) = open.first().filter(|_| resends) {
        return resend(known, &by, now);
    }
    let most = limit(hook!(invitation_limit_function), options::invitation_limit(), || {
        Object::new()
            .json("user", &whole_user(&live.user))
            .json("organization", &json::organization(&organization).finish())
            .json("member", &json::member_with_user(&inviter, &live.user).finish())
    })?;
    if let Some(most) = most {
        // Those that are canceled below don't count.
        let most = most.max(0).saturating_add(i64::try_from(open.len()).unwrap_or(i64::MAX));
        if invitation::count_open(&organization.id, now, most)? >= most {
            return Err(codes::INVITATION_LIMIT_REACHED.into());
        }
    }
    let team_ids = match (options::teams(), body.get("teamId").and_then(Value::as_str)) {
        (false, _) => Vec::new(),
        // Better Auth looks for none, and keeps it.
        (true, Some("")) => vec![String::new()],
        (true, _) => invited_to(&team_ids, &by)?,
    };
    let mut draft = Invited { email, role: joined, team_ids, expires_at: now.plus(lifetime()), additional };
    let hook: Hook = hook!(before_create_invitation_function);
    let setting = hook.0;
    if let Some(data) = before(hook, || draft.told(body, &by))? {
        draft.take(setting, &data)?;
    }
    for known in &open {
        invitation::set_status(&known.id, CANCELED, Some(PENDING))?;
    }
    let team_id = (!draft.team_ids.is_empty()).then(|| draft.team_ids.join(","));
    let made = invitation::create(&New {
        organization_id: &organization.id,
        email: &draft.email,
        role: &draft.role,
        team_id: options::teams().then_some(team_id.as_deref()),
        expires_at: draft.expires_at,
        created_at: now,
        inviter_id: &live.user.id,
        additional: &draft.additional,
    })?;
    send(&made, &by)?;
    after(hook!(after_create_invitation_function), || by.told(&made))?;
    Ok(made)
}

fn check_email(email: &str) -> Result<(), AuthError> {
    // No user has a longer one.
    if is_email(email) && email.len() <= MAX_EMAIL { Ok(()) } else { Err(Code::INVALID_EMAIL.into()) }
}

/// Whether there are such roles.
fn check_roles(organization_id: &str, roles: &str) -> Result<(), AuthError> {
    if roles.is_empty() {
        return Err(codes::ROLE_NOT_FOUND.into());
    }
    match permission::unknown(organization_id, role_list(roles))?.as_slice() {
        [] => Ok(()),
        // Better Auth has no code here, but the message begins with it.
        unknown => Err(AuthError::Field("", format!("ROLE_NOT_FOUND: {}", unknown.join(", ")))),
    }
}

/// Refuses a role that who invites may not give.
///
/// # Errors
/// YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE.
fn check_gives(inviter: &Member, role: &str) -> Result<(), AuthError> {
    match permission::may_give(&inviter.organization_id, &inviter.role, role, "")? {
        true => Ok(()),
        false => Err(codes::YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE.into()),
    }
}

fn lifetime() -> i64 {
    match options::invitation_expires_in() {
        0 => USUAL_LIFETIME,
        seconds => seconds,
    }
}

/// The ids of the teams that somebody is invited to, as they are stored.
fn invited_to(team_ids: &[&str], by: &By<'_>) -> Result<Vec<String>, AuthError> {
    if team_ids.iter().any(|id| id.contains(',')) {
        return Err(codes::INVALID_TEAM_ID.into());
    }
    let found = |id: &&str| teams::find(&by.organization.id, id);
    let found = team_ids.iter().map(found).collect::<Result<Vec<_>, _>>()?;
    for team in &found {
        teams::check_seat(team, by.live)?;
    }
    Ok(found.into_iter().map(|team| team.id).collect())
}

/// Who invites.
struct By<'a> {
    organization: &'a Organization,
    inviter: &'a Member,
    live: &'a Live,
}

impl By<'_> {
    /// What hooks are told of an invitation that is there.
    fn told(&self, made: &Invitation) -> Object {
        self.added_to(Object::new().json("invitation", &json::invitation(made).finish()))
    }

    fn added_to(&self, told: Object) -> Object {
        told.json("inviter", &whole_user(&self.live.user))
            .json("organization", &json::organization(self.organization).finish())
    }
}

/// What a new invitation is to be.
struct Invited {
    email: String,
    role: String,
    team_ids: Vec<String>,
    expires_at: Timestamp,
    additional: Vec<Given>,
}

impl Invited {
    /// What the hook is told that comes before.
    fn told(&self, body: &Map<String, Value>, by: &By<'_>) -> Object {
        let ids = array(self.team_ids.iter().map(|id| Value::from(id.as_str()).to_string()));
        let mut invitation = Object::new()
            .text("role", &self.role)
            .text("email", &self.email)
            .text("organizationId", &by.organization.id)
            .json("teamIds", &ids)
            .members(&fields::as_given(&self.additional, body))
            .text("inviterId", &by.live.user.id);
        if let Some(first) = self.team_ids.first() {
            invitation = invitation.text("teamId", first);
        }
        by.added_to(Object::new().json("invitation", &invitation.finish()))
    }

    /// Takes what the hook answered in place of it.
    fn take(&mut self, setting: &str, data: &Map<String, Value>) -> Result<(), AuthError> {
        if let Some(email) = text(setting, data, "email")? {
            self.email = email.to_lowercase();
            check_email(&self.email)?;
        }
        if let Some(role) = text(setting, data, "role")? {
            self.role = permission::normalized(role);
        }
        if let Some(ids) = data.get("teamIds").and_then(Value::as_array) {
            self.team_ids = ids.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
        if let Some(time) = text(setting, data, "expiresAt")?.and_then(Timestamp::parse) {
            self.expires_at = time;
        }
        fields::set_over(TABLE, &mut self.additional, data)
    }
}

/// Mails an invitation once more, which lasts as long as a new one from now on.
fn resend(known: &Invitation, by: &By<'_>, now: Timestamp) -> Result<Invitation, AuthError> {
    check_gives(by.inviter, known.role.as_deref().unwrap_or_default())?;
    // Nobody can accept what somebody has invited to who has left.
    let inviter_id = match member::find(&known.organization_id, &known.inviter_id)? {
        Some(inviter) => inviter.user_id,
        None => by.live.user.id.clone(),
    };
    let prolonged = invitation::prolong(&known.id, now.plus(lifetime()), &inviter_id)?;
    // Whoever was invited has said something to it in this moment.
    let prolonged = prolonged.ok_or(codes::INVITATION_NOT_FOUND)?;
    send(&prolonged, by)?;
    Ok(prolonged)
}

fn gives_creator_role(invitation: &Invitation) -> bool {
    invitation.role.as_deref().is_some_and(is_creator)
}

/// Mails an invitation: `data` is what Better Auth's `sendInvitationEmail` is given.
fn send(made: &Invitation, by: &By<'_>) -> Result<(), AuthError> {
    let invitation = json::invitation(made).finish();
    let inviter = json::member(by.inviter).json("user", &whole_user(&by.live.user)).finish();
    let organization = json::organization(by.organization).finish();
    let members = [
        ("role", made.role.as_deref().map_or(Value::Null, Value::from)),
        ("organization", parsed(&organization)),
        ("inviter", parsed(&inviter)),
        ("invitation", parsed(&invitation)),
    ];
    mail::send(&Draft {
        kind: MAIL,
        recipient: &made.email,
        url: &link(&made.id)?,
        token: &made.id,
        user: None,
        data: members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        expires_at: made.expires_at,
    })
}

/// JSON that was written here.
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

/// The page that the mail leads to; empty where no setting names one.
fn link(id: &str) -> Result<String, AuthError> {
    let Some(page) = options::invitation_url() else { return Ok(String::new()) };
    let page = Url::parse(&page);
    let mut page =
        page.map_err(|_| AuthError::Setup("better_auth.organization_invitation_url is no URL".into()))?;
    page.query_pairs_mut().append_pair("id", id);
    Ok(page.into())
}

// ── What becomes of one ──────────────────────────────────────────────────────────────────────────

fn invitation_id(id: Option<&Value>) -> Result<&str, AuthError> {
    let mut issues = Issues::of_body();
    let id = issues.required("invitationId", id.into());
    issues.finish()?;
    Ok(id)
}

/// The invitation with this id, where it can be accepted.
fn find_open(id: &str) -> Result<Invitation, AuthError> {
    let is_open = |found: &Invitation| found.status == PENDING && found.expires_at >= Timestamp::now();
    invitation::find(id)?.filter(is_open).ok_or_else(|| codes::INVITATION_NOT_FOUND.into())
}

/// Whether somebody is who is invited.
fn check_recipient(invitation: &Invitation, live: &Live, unverified: Code) -> Result<(), AuthError> {
    if invitation.email.to_lowercase() != live.user.email.to_lowercase() {
        return Err(codes::YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION.into());
    }
    let needs_proof =
        options::require_email_verification_on_invitation().or(invitation::has_guessable_ids()?);
    if needs_proof && !live.user.email_verified { Err(unverified.into()) } else { Ok(()) }
}

/// The membership of who has invited.
fn inviter(invitation: &Invitation) -> Result<Member, AuthError> {
    let inviter = member::find(&invitation.organization_id, &invitation.inviter_id)?;
    inviter.ok_or_else(|| codes::INVITER_IS_NO_LONGER_A_MEMBER_OF_THE_ORGANIZATION.into())
}

/// What hooks are told when somebody who is invited says something.
fn told(invitation: &Invitation, live: &Live, organization: &Organization) -> Object {
    Object::new()
        .json("invitation", &json::invitation(invitation).finish())
        .json("user", &whole_user(&live.user))
        .json("organization", &json::organization(organization).finish())
}

/// What came of an acceptance.
pub(in crate::plugin::organization) struct Accepted {
    pub(in crate::plugin::organization) invitation: Invitation,
    pub(in crate::plugin::organization) member: Member,
    pub(in crate::plugin::organization) live: Live,
    /// The invitation was to one team, which the session is about from now on.
    pub(in crate::plugin::organization) has_team: bool,
}

/// Makes who is invited a member, and one of the teams.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, INVITATION_NOT_FOUND, YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION,
/// EMAIL_VERIFICATION_REQUIRED_BEFORE_ACCEPTING_OR_REJECTING_INVITATION, ORGANIZATION_NOT_FOUND,
/// ORGANIZATION_MEMBERSHIP_LIMIT_REACHED, TEAM_NOT_FOUND, TEAM_MEMBER_LIMIT_REACHED. And
/// USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION, INVITER_IS_NO_LONGER_A_MEMBER_OF_THE_ORGANIZATION,
/// YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION and YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE, where
/// Better Auth makes a second membership, and lets who was thrown out, or has lost a role, bring others in.
pub(in crate::plugin::organization) fn accept(
    caller: &mut dyn Caller,
    id: Option<&Value>,
) -> Result<Accepted, AuthError> {
    let id = invitation_id(id)?;
    let live = actor(caller)?;
    let received = || {
        let invitation = find_open(id)?;
        let unverified = codes::EMAIL_VERIFICATION_REQUIRED_BEFORE_ACCEPTING_OR_REJECTING_INVITATION;
        check_recipient(&invitation, &live, unverified)?;
        Ok::<_, AuthError>(invitation)
    };
    let organization = hold(&received()?.organization_id)?;
    let invitation = received()?;
    // Whoever was thrown out, or has lost a role, may have invited an address of their own before.
    let inviter = inviter(&invitation)?;
    if !permission::may(&organization.id, &inviter.role, "invitation", "create")? {
        return Err(codes::YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION.into());
    }
    check_gives(&inviter, invitation.role.as_deref().unwrap_or_default())?;
    if member::find(&organization.id, &live.user.id)?.is_some() {
        return Err(codes::USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION.into());
    }
    check_room(&live.user, &organization)?;
    before(hook!(before_accept_invitation_function), || told(&invitation, &live, &organization))?;
    // A team that is full leaves nothing of it.
    let accepted = match attempt(|| join(&invitation, &live), Result::is_ok) {
        Ok(accepted) => accepted?,
        Err(exception) => exception.raise(),
    };
    after(hook!(after_accept_invitation_function), || {
        Object::new()
            .json("invitation", &json::invitation(&accepted.invitation).finish())
            .json("member", &json::member(&accepted.member).finish())
            .json("user", &whole_user(&live.user))
            .json("organization", &json::organization(&organization).finish())
    })?;
    Ok(accepted)
}

fn join(invitation: &Invitation, live: &Live) -> Result<Accepted, AuthError> {
    let accepted = invitation::set_status(&invitation.id, ACCEPTED, Some(PENDING))?;
    let invitation = accepted.ok_or(codes::INVITATION_NOT_FOUND)?;
    let (organization_id, user_id) = (&invitation.organization_id, &live.user.id);
    let teams = invitation.team_id.as_deref().filter(|ids| options::teams() && !ids.is_empty());
    let teams: Vec<&str> = teams.map(|ids| ids.split(',').collect()).unwrap_or_default();
    let mut active = Vec::new();
    for id in &teams {
        let team = teams::find(organization_id, id)?;
        teams::seat(&team, user_id, live)?;
        active.push(team.id);
    }
    let role = permission::normalized(invitation.role.as_deref().unwrap_or_default());
    let member = member::create(organization_id, user_id, &role, &[])?;
    // The session comes last: whoever has it waits for nothing else.
    let team = match active.as_slice() {
        [one] => Some(Some(one.as_str())),
        _ => None,
    };
    let has_team = team.is_some();
    let live = activate(live, Some(organization_id), team)?.ok_or(Code::FAILED_TO_GET_SESSION)?;
    Ok(Accepted { invitation, member, live, has_team })
}

/// Notes that who is invited doesn't want to be.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, INVITATION_NOT_FOUND, YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION,
/// EMAIL_VERIFICATION_REQUIRED_BEFORE_ACCEPTING_OR_REJECTING_INVITATION, ORGANIZATION_NOT_FOUND.
pub(in crate::plugin::organization) fn reject(
    caller: &mut dyn Caller,
    id: Option<&Value>,
) -> Result<Invitation, AuthError> {
    let id = invitation_id(id)?;
    let live = actor(caller)?;
    let missing = || AuthError::Worded(codes::INVITATION_NOT_FOUND, "Invitation not found!".into());
    // One that has expired can be rejected.
    let invitation = invitation::find(id)?.filter(|found| found.status == PENDING).ok_or_else(missing)?;
    let unverified = codes::EMAIL_VERIFICATION_REQUIRED_BEFORE_ACCEPTING_OR_REJECTING_INVITATION;
    check_recipient(&invitation, &live, unverified)?;
    let organization =
        organization::find(&invitation.organization_id)?.ok_or(codes::ORGANIZATION_NOT_FOUND)?;
    before(hook!(before_reject_invitation_function), || told(&invitation, &live, &organization))?;
    let rejected = invitation::set_status(&invitation.id, REJECTED, Some(PENDING))?.ok_or_else(missing)?;
    after(hook!(after_reject_invitation_function), || told(&rejected, &live, &organization))?;
    Ok(rejected)
}

/// Takes an invitation back, whatever became of it.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, INVITATION_NOT_FOUND, MEMBER_NOT_FOUND,
/// YOU_ARE_NOT_ALLOWED_TO_CANCEL_THIS_INVITATION, ORGANIZATION_NOT_FOUND.
pub(in crate::plugin::organization) fn cancel(
    caller: &mut dyn Caller,
    id: Option<&Value>,
) -> Result<Invitation, AuthError> {
    const REFUSALS: [Code; 2] =
        [codes::MEMBER_NOT_FOUND, codes::YOU_ARE_NOT_ALLOWED_TO_CANCEL_THIS_INVITATION];
    let id = invitation_id(id)?;
    let live = actor(caller)?;
    let invitation = invitation::find(id)?.ok_or(codes::INVITATION_NOT_FOUND)?;
    acting(&invitation.organization_id, &live, ("invitation", "cancel"), REFUSALS)?;
    let organization =
        organization::find(&invitation.organization_id)?.ok_or(codes::ORGANIZATION_NOT_FOUND)?;
    let told = |invitation: &Invitation| {
        Object::new()
            .json("invitation", &json::invitation(invitation).finish())
            .json("cancelledBy", &whole_user(&live.user))
            .json("organization", &json::organization(&organization).finish())
    };
    before(hook!(before_cancel_invitation_function), || told(&invitation))?;
    let canceled = invitation::set_status(&invitation.id, CANCELED, None)?;
    let canceled = canceled.ok_or(codes::INVITATION_NOT_FOUND)?;
    after(hook!(after_cancel_invitation_function), || told(&canceled))?;
    Ok(canceled)
}

// ── Looking at them ──────────────────────────────────────────────────────────────────────────────

/// An invitation as who is invited sees it.
pub(in crate::plugin::organization) struct Seen {
    pub(in crate::plugin::organization) invitation: Invitation,
    pub(in crate::plugin::organization) organization: Organization,
    pub(in crate::plugin::organization) inviter_email: String,
}

/// An invitation of the caller's.
///
/// # Errors
/// VALIDATION_ERROR, 401 without a session, INVITATION_NOT_FOUND, YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION,
/// EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION, ORGANIZATION_NOT_FOUND,
/// INVITER_IS_NO_LONGER_A_MEMBER_OF_THE_ORGANIZATION.
pub(in crate::plugin::organization) fn get(
    caller: &mut dyn Caller,
    id: Option<&Value>,
) -> Result<Seen, AuthError> {
    let mut issues = Issues::of_query();
    let id = issues.required("id", id.into());
    issues.finish()?;
    let live = caller.session_for_others()?.ok_or(codes::NOT_AUTHENTICATED)?;
    let invitation = find_open(id)?;
    check_recipient(&invitation, &live, codes::EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION)?;
    let organization =
        organization::find(&invitation.organization_id)?.ok_or(codes::ORGANIZATION_NOT_FOUND)?;
    let inviter = user::find(&inviter(&invitation)?.user_id)?;
    let inviter = inviter.ok_or(codes::INVITER_IS_NO_LONGER_A_MEMBER_OF_THE_ORGANIZATION)?;
    Ok(Seen { invitation, organization, inviter_email: inviter.email })
}

/// The invitations of an organization, for who may make some. Those that give the creator's role are for creators.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, 400 without an organization, 403 for who isn't a member,
/// YOU_ARE_NOT_ALLOWED_TO_LIST_INVITATIONS.
pub(in crate::plugin::organization) fn list(
    caller: &mut dyn Caller,
    organization_id: Option<&Value>,
) -> Result<Vec<Invitation>, AuthError> {
    const REFUSALS: [Code; 2] =
        [codes::NO_MEMBER_OF_THIS_ORGANIZATION, codes::YOU_ARE_NOT_ALLOWED_TO_LIST_INVITATIONS];
    let mut issues = Issues::of_query();
    let organization_id = issues.optional("organizationId", organization_id.into());
    issues.finish()?;
    let live = actor(caller)?;
    let organization_id =
        organization_of(organization_id, &live).ok_or(codes::ORGANIZATION_ID_IS_REQUIRED)?;
    let member = acting(&organization_id, &live, ("invitation", "create"), REFUSALS)?;
    let mut invitations = invitation::list(&member.organization_id)?;
    if !is_creator(&member.role) {
        invitations.retain(|invitation| !gives_creator_role(invitation));
    }
    Ok(invitations)
}

/// The invitations that the caller has got and said nothing to, each with the name of its organization. A caller of the
/// server's own may ask for those of an email.
///
/// # Errors
/// VALIDATION_ERROR, 400 without a session and an email, and for a client that names one,
/// EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION.
pub(in crate::plugin::organization) fn list_of_user(
    caller: &mut dyn Caller,
    email: Option<&Value>,
    is_direct: bool,
) -> Result<Vec<(Invitation, String)>, AuthError> {
    let mut issues = Issues::of_query();
    let email = issues.optional("email", email.into()).filter(|email| !email.is_empty());
    issues.finish()?;
    let live = caller.session_for_others()?;
    if !is_direct && email.is_some() {
        return Err(codes::EMAIL_OF_CLIENT.into());
    }
    let email = match &live {
        Some(live) if !live.user.email_verified => {
            return Err(codes::EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION.into());
        }
        Some(live) => &live.user.email,
        None => email.ok_or(codes::NO_SESSION_AND_NO_EMAIL)?,
    };
    invitation::list_of_email(&email.to_lowercase())
}
