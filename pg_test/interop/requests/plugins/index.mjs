// Groups of requests to plugins, each on and alone, and all of them together.
//
// A group's `columns` is `{plugins, options, settings, tables}`: `better_auth.plugins` as ours has it; the real one's
// options, `(send) => ({ plugins: [...] })`; settings of ours that decide on columns; and tables of the plugin's with
// the order of their rows, `{deviceCode: '"userCode"'}`. Groups with the same `columns` object share their databases.

import admin from './admin.mjs';
import together from './all.mjs';
import anonymous from './anonymous.mjs';
import apiKey from './api_key.mjs';
import bearer from './bearer.mjs';
import captcha from './captcha.mjs';
import codes from './codes.mjs';
import customSession from './custom_session.mjs';
import deviceAuthorization from './device_authorization.mjs';
import emailOtp from './email_otp.mjs';
import expo from './expo.mjs';
import haveIBeenPwned from './have_i_been_pwned.mjs';
import jwt from './jwt.mjs';
import lastLoginMethod from './last_login_method.mjs';
import magicLink from './magic_link.mjs';
import multiSession from './multi_session.mjs';
import names from './names.mjs';
import oauthProxy from './oauth_proxy.mjs';
import oneTap from './one_tap.mjs';
import oneTimeToken from './one_time_token.mjs';
import openApi from './open_api.mjs';
import organizationInvitations from './organization_invitations.mjs';
import organizationMembers from './organization_members.mjs';
import organizations from './organization_organizations.mjs';
import organizationRoles from './organization_roles.mjs';
import organizationTeams from './organization_teams.mjs';
import passkey from './passkey.mjs';
import phoneNumber from './phone_number.mjs';
import twoFactor from './two_factor.mjs';
import username from './username.mjs';

const PLUGINS = [
  admin,
  anonymous,
  bearer,
  customSession,
  deviceAuthorization,
  emailOtp,
  expo,
  jwt,
  lastLoginMethod,
  magicLink,
  multiSession,
  oneTimeToken,
  openApi,
  passkey,
  phoneNumber,
  username,
];

const ORGANIZATION = [organizations, organizationMembers, organizationInvitations, organizationTeams, organizationRoles];

export default [...PLUGINS.flat(), ...ORGANIZATION.flat(), ...twoFactor, ...codes, ...apiKey, ...captcha, ...haveIBeenPwned, ...oneTap, ...oauthProxy, ...names, ...together([...PLUGINS, organizations, apiKey])];
