// What providers_vectors.mjs asks of Better Auth's providers. The profiles are made up; their shapes are those that the
// providers document.

export const NOW = Date.UTC(2026, 0, 15, 12);
const seconds = NOW / 1000;
const CALLBACK = 'https://app.example.com/api/auth/callback/';

export const STARTS = [
  { state: 'a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuV', codeVerifier: 'verifier-of-the-first-sign-in-0123456789-abcdefghij', redirectURI: CALLBACK },
  {
    state: 'zY~ x&=+',
    codeVerifier: 'another.verifier_of~43-characters-or-more-0123456789',
    redirectURI: CALLBACK,
    nonce: 'nonce-0123456789',
    scopes: ['asked:one', 'email', "it's *two"],
    loginHint: 'ann+tag@example.com',
    additionalParams: { prompt: 'login', audience: 'elsewhere', hd: 'evil.example', owner: 'workspace', identity_provider: 'Saml', include_granted_scopes: 'false', client_key: 'stolen', appid: 'stolen', lang: 'en', state: 'stolen', code_challenge: 'stolen', 'odd key': 'é ü&=+*~\'()!', token_access_type: 'online' },
  },
  { state: 's', codeVerifier: 'v', redirectURI: CALLBACK, scopes: ['bot'] },
];

export const GRANTS = [
  { code: '4/0AbC-d_e~f+g h', codeVerifier: 'verifier-of-the-first-sign-in-0123456789-abcdefghij', redirectURI: CALLBACK },
  { code: 'c', codeVerifier: 'v', redirectURI: CALLBACK, deviceId: 'device-1' },
];

export const REFRESH_TOKEN = '1//refresh+token=/&';

export const ANSWERS = [
  [200, { access_token: 'ya29.a0-access', refresh_token: '1//new', id_token: 'e30.e30.e30', token_type: 'Bearer', expires_in: 3599, refresh_token_expires_in: 86400, scope: 'openid  email\tprofile', openid: 'o6_bmjrPTlm6_2sgVt7hMZOPfL2M', unionid: 'o6_bmasdasdsad6_2sgVt7hMZOPfL', created_at: 1 }],
  [200, { access_token: 'text', expires_in: '7200', refresh_token_expires_in: '  0x10 ', scope: [' one ', '', 5, null, 'two'], token_type: 'bearer' }],
  [200, { access_token: 'text', expires_in: 0, scope: null, refresh_token: null }],
  [200, { access_token: 'text', expires_in: 'soon', scope: 'a,b', refresh_token_expires_in: 12.5 }],
  [200, { access_token: '', scope: '' }],
  [200, { access_token: 5, scope: 'x', token_type: 7 }],
  [200, { error: 'bad_verification_code', error_description: 'The code passed is incorrect or expired.' }],
  [200, { errcode: 40029, errmsg: 'invalid code' }],
  [400, { error: 'invalid_grant' }],
  [401, '<h1>Unauthorized</h1>'],
  [200, '<h1>Welcome</h1>'],
  [200, ''],
  [200, []],
  [200, 7],
  [200, null],
  [302, ''],
  [500, ''],
  null,
];

const client = { clientId: 'client-1.apps', clientSecret: 's3cret:/+ é%' };
/** Every option that any of them knows, as far as it is data. */
const all = {
  clientId: ['web-client', 'ios-client'], clientSecret: 'secret', clientKey: 'key-1', scope: ['opt.one', 'opt two'],
  prompt: 'consent', redirectURI: 'https://other.example.com/cb', accessType: 'offline', display: 'popup',
  hd: 'example.com', duration: 'permanent', lang: 'en', configId: 'config-1', permissions: 8, claims: ['picture', 'nickname'],
  identityProvider: 'Google', includeGrantedScopes: false, environment: 'production', pkce: false, tenantId: 'a3f1c2d4-0000-4000-8000-0123456789ab',
  issuer: 'https://gitlab.example.com//sub/', audience: ['one', 'two'], fields: ['birthday'],
};
const sets = (more = {}, ...others) => [
  { ...client, ...more },
  { ...all, ...more, clientId: all.clientId, clientSecret: 'secret' },
  { ...client, ...more, disableDefaultScope: true, authorizationEndpoint: 'https://proxy.example.com/auth?a=%20b&state=old&c&scope=x#part' },
  { clientId: 'public-client', ...more, clientSecret: undefined },
  { clientId: '', ...more, clientSecret: 'secret' },
  ...others,
];
// Without a secret these say that it is "undefined".
const secret = (more) => sets(more).filter(({ clientSecret }) => clientSecret);
const token = { accessToken: 'ya29.a0-access' };
const claims = (iss, more) => ({ iss, aud: 'client-1.apps', sub: '10769150350006150715113082367', exp: seconds + 3600, iat: seconds, ...more });
const one = (provider, more, body, ...others) => ({ provider, options: sets(more), infos: [{ tokens: token, answers: [[200, body]] }, { tokens: {}, answers: [[401, {}]], still: true }, ...others] });
const told = (body, more = {}) => ({ tokens: token, answers: [[200, body]], still: true, ...more });

const google = claims('https://accounts.google.com', { email: 'ann@example.com', email_verified: true, name: 'Ann Lee', picture: 'https://lh3.googleusercontent.com/a/x=s96-c', given_name: 'Ann', family_name: 'Lee', hd: 'example.com' });
const cognito = { domain: 'https://app.auth.eu-west-1.amazoncognito.com', region: 'eu-west-1', userPoolId: 'eu-west-1_Ab12' };
const microsoft = claims('https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0', { oid: '00000000-0000-0000-66f3-3332eca7ea81', tid: '9188040d-6c67-4c5b-b112-36a304b66dad', name: 'Ann Lee', preferred_username: 'ann@outlook.com', email: 'ann@outlook.com', verified_primary_email: ['ann@outlook.com'], verified_secondary_email: ['other@outlook.com'], picture: 'https://example.com/a.jpg' });
const facebook = { data: { app_id: 'client-1.apps', type: 'USER', application: 'Example', is_valid: true, user_id: '1234567890', scopes: ['email'] } };
const graph = { id: '1234567890', name: 'Ann Lee', email: 'ann@example.com', picture: { data: { height: 50, is_silhouette: false, url: 'https://platform-lookaside.fbsbx.com/x.jpg', width: 50 } }, email_verified: true };
const github = { login: 'octocat', id: 583231, node_id: 'MDQ6VXNlcjU4MzIzMQ==', avatar_url: 'https://avatars.githubusercontent.com/u/583231?v=4', name: 'The Octocat', company: '@github', email: null, bio: null, two_factor_authentication: true };
const emails = [{ email: 'old@example.com', primary: false, verified: false, visibility: null }, { email: 'octocat@github.com', primary: true, verified: true, visibility: 'private' }];
const twitter = { data: { id: '2244994945', name: 'X Dev', username: 'XDevelopers', profile_image_url: 'https://pbs.twimg.com/p_normal.jpg' } };
const discovery = {
  issuer: 'https://id.example.com/', authorization_endpoint: 'https://id.example.com/authorize?tenant=a%20b', token_endpoint: 'https://id.example.com/token', userinfo_endpoint: 'https://id.example.com/userinfo',
  jwks_uri: 'https://id.example.com/jwks', id_token_signing_alg_values_supported: ['EdDSA', 'RS256'], end_session_endpoint: 'https://id.example.com/logout',
};
const { id_token_signing_alg_values_supported: _algorithms, ...plain } = discovery;
const oidc = claims('https://id.example.com/', { email: 'ann@example.com', email_verified: 'true', name: 'Ann', picture: 'https://id.example.com/ann.png', nickname: 'ann' });
const keep = ['/iss', '/aud', '/sub', '/exp', '/iat'];
const short = ({ email, ...rest }) => rest;
const userinfo = { sub: oidc.sub, id: 77, email: 'ann@example.com', email_verified: true, name: 'Ann', picture: null, image: 'https://elsewhere.example.com/x.png' };
const every = {
  ...client, scopes: ['openid', 'groups'], redirectURI: 'https://other.example.com/cb', responseType: 'code id_token', responseMode: 'form_post', prompt: 'select_account', pkce: false, accessType: 'offline', accessTokenExpiresIn: 900,
  authentication: 'basic', authorizationUrlParams: { audience: 'api', state: 'mine', prompt: 'none' }, tokenUrlParams: { audience: 'api', code: 'mine', grant_type: 'mine', extra: 'a b' }, refreshTokenParams: { scope: 'groups', refresh_token: 'mine', grant_type: 'mine', client_id: 'mine' },
  authorizationHeaders: { 'X-Staging-Token': 'abc', Accept: 'application/json; charset=utf-8' }, disableIdTokenNonceBinding: true,
};
const endpoints = { authorizationUrl: 'https://idp.example.com/authorize', tokenUrl: 'https://idp.example.com/token', userInfoUrl: 'https://idp.example.com/me' };
const helped = (preset, more, infos, found) => ({ provider: preset, preset, helper: preset, discovery: found, options: [{ ...client, ...more }, { ...client, ...more, scopes: ['only'], redirectURI: 'https://other.example.com/cb', pkce: false, tokenEndpointAuth: { method: 'client_secret_basic' } }, { clientId: 'public', ...more, tokenEndpointAuth: { method: 'none' } }], infos });

export const CASES = [
  { provider: 'apple', options: sets({ appBundleIdentifier: 'com.example.app' }, client), infos: [
    { tokens: { idToken: claims('https://appleid.apple.com', { email: 'ann@privaterelay.appleid.com', email_verified: 'true', is_private_email: 'true', name: 'Ann', nonce_supported: true }) } },
    { tokens: { idToken: claims('https://appleid.apple.com', { email: 'ann@example.com', email_verified: true }), user: { name: { firstName: 'Ann', lastName: 'Lee' }, email: 'ann@example.com' } } },
    { tokens: { idToken: claims('https://appleid.apple.com', { email: 'ann@example.com' }), user: { name: { lastName: 'Lee' } } }, still: true },
    { tokens: { idToken: claims('https://appleid.apple.com', {}), user: { name: {} } }, still: true },
    { tokens: { idToken: 'not.a-jwt' }, still: true }, { tokens: { idToken: 'a.!!.c' }, still: true }, { tokens: { idToken: 'e30.W10.x' }, still: true }, { tokens: token, still: true },
  ] },
  one('atlassian', {}, { account_type: 'atlassian', account_id: '557058:f2b4', email: 'ann@example.com', name: 'Ann', picture: 'https://secure.gravatar.com/a', account_status: 'active', nickname: 'ann', extended_profile: { job_title: 'x' } }),
  { ...one('cloudflare', {}, { success: true, errors: [], messages: [], result: { id: '7c5dae5552338874e5053f2534d2767a', email: 'ann@example.com', first_name: 'Ann', last_name: 'Lee', username: 'ann', two_factor_authentication_enabled: false } }), options: sets({}, { ...client, tokenEndpointAuthMethod: 'client_secret_post' }, { ...client, tokenEndpointAuth: { method: 'client_secret_post' } }, { clientId: 'p', tokenEndpointAuth: { method: 'none' } }, { clientId: 'p', tokenEndpointAuth: { method: 'client_secret_post' } }) },
  { provider: 'cognito', options: sets(cognito, client, { ...client, ...cognito, clientSecret: undefined, requireClientSecret: true }, { ...client, ...cognito, domain: 'http://plain.example.com', disableDefaultScope: true }), infos: [
    { tokens: { idToken: claims('https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12', { email: 'ann@example.com', email_verified: true, name: 'Ann', given_name: 'Ann L', username: 'ann', picture: 'https://example.com/a.png' }) } },
    { tokens: { idToken: claims('x', { username: 'ann' }), accessToken: 'a' }, still: true },
    { tokens: { idToken: 'nothing', ...token }, answers: [[200, { sub: 'abc', email: 'ann@example.com', email_verified: 'true', given_name: 'Ann', username: 'ann', name: 'A', picture: 'p' }]] },
    { tokens: token, answers: [[200, { sub: 'abc', email: 'ann@example.com', username: 'ann' }]], still: true }, { tokens: {}, still: true },
  ] },
  one('discord', {}, { id: '80351110224678912', username: 'nelly', discriminator: '1337', avatar: '8342729096ea3675442027381ff50dfe', verified: true, email: 'nelly@discord.com', global_name: 'Nelly', flags: 64 },
    told({ id: '80351110224678912', username: 'nelly', discriminator: '0', avatar: null, verified: false, email: null, global_name: null }), told({ id: '1', username: 'n', discriminator: '1337', avatar: null, verified: true }), told({ id: '1', username: 'n', discriminator: ' 7x', avatar: null }), told({ id: '1', username: 'n', avatar: null }), told({ id: 80351110, username: 'n', discriminator: '0', avatar: 'a_12' })),
  { provider: 'facebook', options: sets(), infos: [
    { tokens: token, answers: [[200, facebook], [200, graph]] }, { options: 1, tokens: token, answers: [[200, { data: { ...facebook.data, app_id: 'ios-client' } }], [200, graph]], still: true },
    { tokens: token, answers: [[200, { data: { ...facebook.data, app_id: 'another' } }], [200, graph]], still: true }, { options: 3, tokens: token, answers: [[200, facebook], [200, graph]], still: true }, { tokens: {}, still: true },
    { tokens: { idToken: claims('https://www.facebook.com', { name: 'Ann', email: 'ann@example.com', picture: 'https://example.com/a.png' }) } }, { tokens: { idToken: 'EAAB-opaque', ...token }, answers: [[200, facebook], [200, graph]], still: true }, { tokens: { idToken: 'EAAB-opaque' }, still: true },
  ] },
  one('figma', {}, { id: '2384562391', email: 'ann@example.com', handle: 'Ann', img_url: 'https://www.gravatar.com/a' }),
  { provider: 'github', options: sets(), infos: [
    { tokens: token, answers: [[200, github], [200, emails]] }, { tokens: token, answers: [[200, { ...github, email: 'octocat@github.com' }], [200, emails]] }, { tokens: token, answers: [[200, { ...github, email: 'elsewhere@example.com' }], [403, { message: 'Resource not accessible' }]], still: true },
    { tokens: token, answers: [[200, github], [200, []]], still: true }, { tokens: token, answers: [[200, github], [200, emails.toReversed().map((email) => ({ ...email, primary: false }))]], still: true }, { tokens: token, answers: [[401, {}]], still: true },
  ] },
  { provider: 'microsoft', claims: [[{ tid: microsoft.tid, iss: microsoft.iss }], [{ tid: 'x', iss: microsoft.iss }], [{ tid: all.tenantId, iss: `https://login.microsoftonline.com/${all.tenantId}/v2.0` }], [{ iss: microsoft.iss }], [{}]].flat(), options: sets({ disableProfilePhoto: true }, ...['organizations', 'consumers'].map((tenantId) => ({ ...client, tenantId, authority: 'https://login.example.com//', disableProfilePhoto: true }))), infos: [
    { tokens: { idToken: microsoft, ...token } }, { tokens: { idToken: { ...microsoft, email_verified: 'true' } }, still: true }, { tokens: { idToken: { ...microsoft, email: 'other@outlook.com' } }, still: true }, { tokens: { idToken: { ...microsoft, email: 'third@outlook.com', verified_primary_email: 'third@outlook.com.uk' } }, still: true },
    { tokens: { idToken: { ...microsoft, email: undefined } }, still: true }, { tokens: token, still: true },
  ] },
  { provider: 'google', claims: [{ hd: 'example.com' }, { hd: 'evil.example' }, {}, { hd: 5 }], options: sets({}, { ...client, hd: '*' }), infos: [
    { tokens: { idToken: google, ...token } }, { options: 1, tokens: { idToken: google }, keep }, { options: 5, tokens: { idToken: { ...google, hd: 'other.example' } }, still: true }, { options: 5, tokens: { idToken: short({ ...google, hd: '' }) }, still: true }, { tokens: token, still: true },
  ] },
  one('huggingface', {}, { sub: '62f264b9f3c90f4b6514a269', name: 'Ann Lee', preferred_username: 'ann', profile: 'https://huggingface.co/ann', picture: 'https://huggingface.co/a.png', email: 'ann@example.com', email_verified: true, isPro: false }),
  one('slack', {}, { ok: true, sub: 'U0R7JM', 'https://slack.com/user_id': 'U0R7JM', 'https://slack.com/team_id': 'T0R7GR', email: 'ann@slack-corp.com', email_verified: true, name: 'Ann', picture: 'https://secure.gravatar.com/a.jpg', 'https://slack.com/user_image_512': 'https://secure.gravatar.com/a512.jpg' }),
  one('spotify', {}, { country: 'SE', display_name: 'Ann', email: 'ann@example.com', id: 'wizzler', images: [{ url: 'https://i.scdn.co/image/ab', height: 64, width: 64 }], product: 'premium' }, told({ display_name: 'Ann', id: 'w', images: [] })),
  { provider: 'twitch', options: sets(), infos: [{ tokens: { idToken: claims('https://id.twitch.tv/oauth2', { email: 'ann@example.com', email_verified: true, preferred_username: 'Ann', picture: 'https://static-cdn.jtvnw.net/a.png' }), ...token } }, { tokens: { idToken: 'x.y', ...token }, still: true }, { tokens: token, still: true }] },
  { provider: 'twitter', options: sets(), infos: [{ tokens: token, answers: [[200, twitter], [200, { data: { ...twitter.data, confirmed_email: 'dev@x.com' } }]] }, { tokens: token, answers: [[200, twitter], [403, { title: 'Forbidden' }]], still: true }, { tokens: token, answers: [[429, {}]], still: true }, { tokens: token, answers: [[200, { data: { ...twitter.data, id: 'a b', email: 'known@x.com' } }], [200, {}]], still: true }] },
  one('dropbox', {}, { account_id: 'dbid:AAH4f99T0taONIb', name: { given_name: 'Ann', display_name: 'Ann Lee' }, email: 'ann@example.com', email_verified: true, disabled: false, profile_photo_url: 'https://dl-web.dropbox.com/a' }),
  one('kick', {}, { data: [{ user_id: 123456, name: 'ann', email: 'ann@example.com', profile_picture: 'https://kick.com/a.webp' }], message: 'OK' }, told({ data: [], message: 'OK' })),
  one('linear', {}, { data: { viewer: { id: '5f3b', name: 'Ann', email: 'ann@example.com', avatarUrl: 'https://public.linear.app/a', active: true, createdAt: '2026-01-01T00:00:00Z' } } }),
  one('linkedin', {}, { sub: '782bbtaQ', name: 'Ann Lee', given_name: 'Ann', family_name: 'Lee', picture: 'https://media.licdn.com/a', locale: { country: 'US', language: 'en' }, email: 'ann@example.com', email_verified: true }),
  one('gitlab', {}, { id: 1, username: 'ann', name: 'Ann Lee', state: 'active', locked: false, avatar_url: 'https://gitlab.com/a.png', email: 'ann@example.com', email_verified: true, confirmed_at: '2026-01-01T00:00:00Z' }, told({ id: 1, username: 'ann', state: 'active', email: 'a@example.com' }, { options: 1 })),
  { ...one('tiktok', { clientKey: 'awkey' }, { data: { user: { open_id: '723f24d7-e717-40f8-a2b6', avatar_large_url: 'https://p16.tiktokcdn.com/a', display_name: 'Ann', username: 'ann', email: 'ann@example.com' } }, error: { code: 'ok' } }, told({ data: { user: { open_id: '723f', display_name: 'Ann' } } }), told({ data: {}, error: { code: 'access_token_invalid' } })), options: secret({ clientKey: 'awkey' }) },
  one('reddit', {}, { id: 'abc12', name: 'ann', icon_img: 'https://styles.redditmedia.com/a.png?width=256&s=1', oauth_client_id: 'x', verified: true, has_verified_email: true }, told({ id: 'a b', name: 'ann' })),
  one('roblox', {}, { sub: '1516563360', name: 'Ann', nickname: 'Annie', preferred_username: 'ann', created_at: 1584682495, profile: 'https://www.roblox.com/users/1/profile', picture: 'https://tr.rbxcdn.com/a' }),
  { ...one('salesforce', {}, { sub: 'https://login.salesforce.com/id/00D/005', user_id: '005x0000001', organization_id: '00D', name: 'Ann Lee', email: 'ann@example.com', email_verified: true, photos: { picture: 'https://c.salesforce.com/F', thumbnail: 'https://c.salesforce.com/T' } }, told({ user_id: '005' }, { options: 5 }), told({ user_id: '005' }, { options: 6 })), options: sets({}, { ...client, environment: 'sandbox' }, { ...client, environment: 'sandbox', loginUrl: 'acme.my.salesforce.com' }) },
  one('vk', {}, { user: { user_id: '1234567890', first_name: 'Ann', last_name: 'Lee', phone: '79991234567', avatar: 'https://pp.userapi.com/a', email: 'ann@example.com', sex: 2, verified: false, birthday: '01.01.2000' } }, told({ user: { user_id: 5, first_name: 'Ann' } }), told({ error: 'invalid_token' })),
  { ...one('zoom', {}, { id: 'KDcuGIm1QgePTO8WbOqwIQ', first_name: 'Ann', display_name: 'Ann Lee', email: 'ann@example.com', verified: 1, pic_url: 'https://us02web.zoom.us/p/a', pmi: 1234567890 }), options: sets({}, { ...client, pkce: true }, { ...client, pkce: false }, client) },
  one('notion', {}, { object: 'user', id: '16d84278', type: 'bot', bot: { owner: { type: 'user', user: { object: 'user', id: '5389a034', name: 'Ann', avatar_url: 'https://s3.amazonaws.com/a', type: 'person', person: { email: 'ann@example.com' } } } } }, told({ bot: { owner: { type: 'workspace', workspace: true } } })),
  one('kakao', {}, { id: 123456789, connected_at: '2026-01-01T00:00:00Z', kakao_account: { profile: { nickname: 'Ann', thumbnail_image_url: 'http://k.kakaocdn.net/t.jpg', profile_image_url: 'http://k.kakaocdn.net/p.jpg' }, name: 'Ann Lee', email: 'ann@example.com', is_email_valid: true, is_email_verified: true } }, told({ id: 12345678901234567000 })),
  one('naver', {}, { resultcode: '00', message: 'success', response: { id: '32742776', nickname: 'ann', name: 'Ann', email: 'ann@example.com', profile_image: 'https://ssl.pstatic.net/a' } }, told({ resultcode: '024', message: 'Authentication failed' })),
  { provider: 'line', options: sets(), infos: [{ tokens: { idToken: claims('https://access.line.me', { name: 'Ann', picture: 'https://profile.line-scdn.net/a', email: 'ann@example.com', amr: ['pwd'] }), ...token } }, { tokens: { idToken: 'broken', ...token }, answers: [[200, { sub: 'U1234', name: 'Ann', picture: 'p', email: 'e@example.com' }]] }, { tokens: token, answers: [[401, {}]], still: true }],
    asks: [{ token: 'a.b+c.d', answers: [[200, { aud: 'client-1.apps' }]] }, { token: 'a.b.c', nonce: 'n 1', answers: [[200, { aud: 'client-1.apps', nonce: 'n 1' }]] }, { token: 't', nonce: 'n', answers: [[200, { aud: 'client-1.apps', nonce: 'm' }]] }, { token: 't', nonce: 'n', answers: [[200, { aud: 'client-1.apps' }]] }, { token: 't', answers: [[200, { aud: 'client-1.apps', nonce: 'm' }]] }, { token: 't', answers: [[200, { aud: 'another' }]] }, { token: 't', answers: [[400, { error: 'invalid_request' }]] }, { token: 't', answers: [[200, '<p>']] }, { token: 't', answers: [null] }] },
  { provider: 'paybin', options: sets({}, { ...client, issuer: 'https://idp.example.com' }), infos: [{ tokens: { idToken: claims('https://idp.paybin.io', { name: 'Ann', preferred_username: 'ann', email: 'ann@example.com', email_verified: true, picture: 'https://paybin.io/a' }) } }, { tokens: token, still: true }] },
  { provider: 'paypal', options: sets({}, { ...client, environment: 'live' }), infos: [
    { tokens: token, answers: [[200, { user_id: 'https://www.paypal.com/webapps/auth/identity/user/mWq6', sub: 'abc', name: 'Ann Lee', email: 'ann@example.com', email_verified: true, picture: 'https://paypal.com/a' }]] },
    { tokens: { ...token, idToken: claims('https://www.paypal.com', { sub: 'abc' }) }, answers: [[200, { user_id: 'x', sub: 'abc', name: 'Ann', email: 'ann@example.com' }]] }, { tokens: { ...token, idToken: claims('https://www.paypal.com', { sub: 'other' }) }, answers: [[200, { user_id: 'x', sub: 'abc' }]], still: true }, { tokens: { ...token, idToken: claims('https://www.paypal.com', { sub: 'x' }) }, answers: [[200, { user_id: 'x' }]], still: true }, { tokens: { ...token, idToken: 'broken' }, answers: [[200, { user_id: 'x' }]], still: true }, { tokens: {}, still: true }, told({ user_id: 'x' }, { options: 5 }),
  ] },
  one('polar', {}, { id: '1dbfc517', email: 'ann@example.com', username: 'ann', avatar_url: 'https://polar.sh/a', email_verified: false, public_name: 'Ann' }),
  one('railway', {}, { sub: 'user_1', email: 'ann@example.com', name: 'Ann', picture: 'https://railway.com/a' }),
  { ...one('vercel', {}, { sub: '345e869043f1e55f8bdc837c', email: 'ann@example.com', email_verified: true, name: 'Ann', preferred_username: 'ann', picture: 'https://vercel.com/a' }), options: sets({}, { ...client, tokenEndpointAuth: { method: 'client_secret_basic' } }, { ...client, tokenEndpointAuth: { method: 'none' } }, { clientId: 'p', tokenEndpointAuth: { method: 'client_secret_post' } }, { clientId: 'p', tokenEndpointAuth: { method: 'none' } }) },
  { provider: 'wechat', options: secret({}).map((options) => ({ ...options, clientId: [options.clientId].flat()[0] })).filter(({ clientId }) => clientId), infos: [
    { tokens: { ...token, openid: 'oLVPpjqs9BhvzwPj5A-vTYAX3GLc' }, answers: [[200, { openid: 'oLVPpjqs9BhvzwPj5A-vTYAX3GLc', nickname: 'Ann', sex: 1, headimgurl: 'https://thirdwx.qlogo.cn/a', privilege: [], unionid: 'o6_bmasdasdsad6_2sgVt7hMZOPfL', email: 'ann@example.com' }]] }, { tokens: { ...token, openid: 'o1' }, answers: [[200, { nickname: 'Ann', openid: 'o1' }]], still: true }, { tokens: { ...token, openid: 'o1' }, answers: [[200, { errcode: 40003, errmsg: 'invalid openid' }]], still: true }, { tokens: token, still: true },
  ] },

  { provider: 'example', preset: 'generic', helper: 'generic', options: [{ ...client, ...endpoints }, { ...every, ...endpoints }, { clientId: 'public', ...endpoints }, { clientId: 'public', authentication: 'basic', ...endpoints }, { ...client, ...endpoints, tokenEndpointAuth: { method: 'none' } }, { clientId: 'public', ...endpoints, tokenEndpointAuth: { method: 'none' } }, { ...client, ...endpoints, tokenEndpointAuth: { method: 'client_secret_basic' }, tokenUrlParams: { client_secret: 'x' } }, { clientId: 'p', ...endpoints, tokenUrlParams: { client_assertion: 'x', client_assertion_type: 'y' } }, { clientId: 'p', ...endpoints, tokenUrlParams: { client_assertion: 'x' } }, { ...client, authorizationUrl: 'https://idp.example.com/only' }, { ...client, ...endpoints, requireIdTokenVerification: true }, { ...client, tokenUrl: endpoints.tokenUrl }], infos: [
    { tokens: token, answers: [[200, userinfo]] }, { tokens: { idToken: oidc, ...token }, answers: [[200, userinfo]] }, { tokens: { idToken: short(oidc), ...token }, answers: [[200, userinfo]], still: true }, { tokens: { idToken: 'broken', ...token }, answers: [[200, userinfo]], still: true }, { options: 9, tokens: token, still: true }, { tokens: {}, still: true },
  ] },
  { provider: 'discovered', preset: 'generic', helper: 'generic', discovery, options: [{ ...client, discoveryUrl: 'https://id.example.com/.well-known/openid-configuration' }, { ...every, discoveryUrl: 'https://id.example.com/.well-known/openid-configuration' }, { ...client, discoveryUrl: 'https://id.example.com/x', ...endpoints, requireIdTokenVerification: true }], infos: [
    { tokens: { idToken: oidc, ...token }, keep }, { tokens: { idToken: short(oidc), ...token }, keep, answers: [[200, userinfo]] }, { tokens: { idToken: short(oidc), ...token }, answers: [[200, { ...userinfo, sub: 'another' }]], still: true }, { tokens: { idToken: { ...oidc, id: 'own', image: null, emailVerified: 'no' } }, still: true }, { tokens: { idToken: short(oidc) }, still: true }, { tokens: token, answers: [[200, userinfo]] },
  ] },
  { provider: 'no-algorithms', preset: 'generic', helper: 'generic', discovery: { ...plain, jwks_uri: 'jwks' }, options: [{ ...client, discoveryUrl: 'https://id.example.com/.well-known/openid-configuration' }], infos: [{ tokens: token, answers: [[200, userinfo]], still: true }] },
  { provider: 'no-keys', preset: 'generic', helper: 'generic', discovery: { ...discovery, jwks_uri: undefined }, options: [{ ...client, discoveryUrl: 'https://id.example.com/.well-known/openid-configuration' }, { ...client, discoveryUrl: 'https://id.example.com/x', requireIdTokenVerification: true }], infos: [{ tokens: { idToken: oidc, ...token }, still: true }] },
  { provider: 'undiscovered', preset: 'generic', helper: 'generic', options: [{ ...client, discoveryUrl: 'https://id.example.com/x' }, { ...client, discoveryUrl: 'https://id.example.com/x', ...endpoints }, { ...client, discoveryUrl: 'https://id.example.com/x', ...endpoints, requireIdTokenVerification: true }], infos: [{ options: 1, tokens: { idToken: oidc, ...token }, still: true }] },
  { provider: 'odd-issuer', preset: 'generic', helper: 'generic', discovery: { ...discovery, issuer: 'no url' }, options: [{ ...client, discoveryUrl: 'https://id.example.com/x' }, { ...client, discoveryUrl: 'https://id.example.com/x', ...endpoints }], infos: [] },
  helped('auth0', { domain: 'dev-xyz.eu.auth0.com' }, [{ tokens: { idToken: oidc, ...token }, still: true }], discovery),
  helped('okta', { issuer: 'https://dev-1.okta.com/oauth2/default/' }, [{ tokens: { idToken: oidc, ...token }, still: true }], discovery),
  helped('keycloak', { issuer: 'https://sso.example.com/realms/main' }, [{ tokens: { idToken: oidc, ...token }, still: true }], discovery),
  helped('gumroad', {}, [{ tokens: token, answers: [[200, { success: true, user: { user_id: 'G_-mnBf9b1j9A7a4ub4nFQ==', name: 'Ann', email: 'ann@example.com', profile_url: 'https://gumroad.com/a', bio: 'x' } }]] }]),
  helped('hubspot', {}, [{ tokens: token, answers: [[200, { token: 'x', user: 'ann@example.com', hub_id: 62515, user_id: 123, signed_access_token: { userId: 124 } }]] }, { tokens: token, answers: [[200, { user: 'ann@example.com', signed_access_token: { userId: 124 } }]], still: true }, { tokens: {}, still: true }]),
  helped('patreon', {}, [{ tokens: token, answers: [[200, { data: { id: '12345', type: 'user', attributes: { email: 'ann@example.com', full_name: 'Ann', image_url: 'https://c8.patreon.com/a', is_email_verified: true } } }]] }]),
  helped('yandex', {}, [{ tokens: token, answers: [[200, { id: '1000034426', login: 'ann', display_name: 'Ann', real_name: 'Ann Lee', first_name: 'Ann', default_email: 'ann@yandex.ru', emails: ['ann@yandex.ru'], default_avatar_id: '131652443', is_avatar_empty: false }]] }, { tokens: token, answers: [[200, { id: 5, login: 'ann', emails: ['a@ya.ru'], is_avatar_empty: true }]], still: true }, { tokens: token, answers: [[200, { id: 5, login: 'ann' }]], still: true }]),
  { ...helped('line', {}, [{ tokens: { idToken: claims('https://access.line.me', { name: 'Ann', picture: 'p', email: 'ann@example.com' }) } }, { tokens: token, answers: [[200, { sub: 'U1', name: 'Ann', picture: 'p' }]] }]), preset: 'generic/line' },
  { ...helped('slack', {}, [{ tokens: token, answers: [[200, { ok: true, sub: 'U0R7JM', 'https://slack.com/user_id': 'U0R7JM', email: 'ann@slack-corp.com', email_verified: true, name: 'Ann', picture: 'p', 'https://slack.com/user_image_512': 'q' }]] }]), preset: 'generic/slack' },
  { ...helped('microsoftEntraId', { tenantId: 'A3F1C2D4-0000-4000-8000-0123456789AB' }, [
    { tokens: { idToken: { ...oidc, oid: 'object-1', given_name: 'A', family_name: 'L' } }, keep }, { tokens: { idToken: { ...short(oidc), oid: 'object-1', name: undefined, picture: undefined, email_verified: undefined }, ...token }, keep, answers: [[200, { ...userinfo, givenname: 'Ann', familyname: 'Lee' }]] }, { tokens: { idToken: { ...short(oidc), oid: 'object-1' }, ...token }, answers: [[200, { sub: 'another' }]], still: true }, { tokens: { idToken: { ...short(oidc), oid: 'object-1' } }, still: true }, { tokens: { idToken: { ...oidc, oid: ' ' } }, still: true }, { tokens: token, still: true },
  ], discovery), provider: 'microsoft-entra-id', preset: 'microsoft-entra-id' },
];
