// The shop's page: sign in, forgotten password, my account.

import {
  ask, attempt, byId, fill, focusHeading, graphql, make, onSubmit, say, sayTimeZone, show, timeOf,
} from "/assets/common.js";
import { withProof } from "/assets/challenge.js";
import { deviceName } from "/assets/devices.js";

// The token lives as long as its tab, and nowhere but here: no cookie carries it, no URL.
const KEY = "customer_token";
const token = () => sessionStorage.getItem(KEY);

let assisting = false;
// The display names of the admin users who assist or have assisted, by their ids.
let assistants = new Map();

const run = (action) => attempt(action, () => {
  signedOut(assisting ? "The assistance has ended." : "You are no longer signed in. Please sign in again.");
});

function signedOut(text) {
  sessionStorage.removeItem(KEY);
  assisting = false;
  byId("banner").textContent = "";
  for (const id of ["assistance", "devices"]) byId(id).replaceChildren();
  show("sign-in");
  say(text);
}

// --- sign in ---------------------------------------------------------------------------------------------------

onSubmit(byId("sign-in-form"), (form) => run(async () => {
  const email = form.get("email");
  const { generateCustomerToken } = await withProof("customer_login", email, (proof) => graphql(
    `mutation ($email: String!, $password: String!) {
      generateCustomerToken(email: $email, password: $password) { token }
    }`,
    { email, password: form.get("password") },
    null,
    proof,
  ));
  sessionStorage.setItem(KEY, generateCustomerToken.token);
  byId("password").value = "";
  // An action of its own: were this to fail, "try again" need not sign in a second time.
  await run(openAccount);
}));

byId("sign-out").addEventListener("click", () => run(signOut));

async function signOut() {
  await graphql("mutation { revokeCustomerToken { result } }", {}, token());
  signedOut("You are signed out.");
}

// --- forgotten password ----------------------------------------------------------------------------------------

const toSignIn = () => {
  say("");
  show("sign-in");
};
for (const button of document.querySelectorAll(".to-sign-in")) button.addEventListener("click", toSignIn);

byId("forgot-link").addEventListener("click", () => {
  say("");
  byId("forgot-email").value = byId("email").value;
  show("forgot");
});

byId("have-token").addEventListener("click", () => {
  say("");
  openReset(byId("forgot-email").value);
});

onSubmit(byId("forgot-form"), (form) => run(async () => {
  const email = form.get("email");
  const query = "mutation ($email: String!) { requestPasswordResetEmail(email: $email) }";
  await withProof("customer_forgot_password", email, (proof) => graphql(query, { email }, null, proof));
  // The same words whether there is such an account or not.
  say("If there is an account with this e-mail address, a link is on its way to it.");
}));

onSubmit(byId("reset-form"), (form) => run(async () => {
  const email = form.get("email");
  await withProof("customer_forgot_password", email, (proof) => graphql(
    `mutation ($email: String!, $token: String!, $password: String!) {
      resetPassword(email: $email, resetPasswordToken: $token, newPassword: $password)
    }`,
    { email, token: form.get("token").trim(), password: form.get("password") },
    null,
    proof,
  ));
  byId("reset-form").reset();
  byId("email").value = email;
  signedOut("Your password is changed. Sign in with the new one.");
}));

function openReset(email, resetToken = "") {
  byId("reset-email").value = email;
  byId("reset-token").value = resetToken;
  show("reset");
  sayPasswordRule();
}

async function sayPasswordRule() {
  const { data } = await ask("/graphql", {
    body: { query: "{ storeConfig { minimum_password_length required_character_classes_number } }" },
  }).catch(() => ({}));
  if (!data) return; // The server says it again when it refuses a password.
  const { minimum_password_length: length, required_character_classes_number: classes } = data.storeConfig;
  byId("password-rule").textContent = `At least ${length} characters`
    + (Number(classes) > 1 ? `, of ${classes} kinds: lower case, upper case, digits, others.` : ".");
}

// The mailed link carries the token in the fragment, which no server sees; it leaves the address bar and the
// history at once.
function resetTokenOfLink() {
  const resetToken = new URLSearchParams(location.hash.slice(1)).get("reset");
  if (resetToken !== null) history.replaceState(null, "", location.pathname);
  return resetToken;
}

// --- my account ------------------------------------------------------------------------------------------------

async function openAccount() {
  await loadAccount();
  show("account");
}

async function loadAccount() {
  const { customer, customerTokenIdentity } = await graphql(
    `{
      customer { firstname lastname email allow_remote_shopping_assistance }
      customerTokenIdentity { actor { admin_id reason } }
    }`,
    {},
    token(),
  );
  byId("customer-name").textContent = `${customer.firstname} ${customer.lastname}`;
  byId("customer-email").textContent = customer.email;
  byId("consent").checked = customer.allow_remote_shopping_assistance;

  const { actor } = customerTokenIdentity;
  assisting = actor !== null;
  if (assisting) await loadAssistants();
  byId("banner").textContent = assisting ? `You are being assisted by ${nameOf(actor)}` : "";
  byId("own").hidden = assisting;
  byId("not-own").hidden = !assisting;
  if (!assisting) await loadOwn();
}

async function loadOwn() {
  await loadAssistants();
  await Promise.all([loadAssistance(), loadDevices()]);
}

async function loadAssistants() {
  const { customerAssistants } = await graphql("{ customerAssistants { admin_id name } }", {}, token());
  assistants = new Map(customerAssistants.map(({ admin_id: id, name }) => [id, name]));
}

const nameOf = ({ admin_id: id, reason }) => `${assistants.get(id) ?? "our staff"}${reason ? `: ${reason}` : ""}`;

byId("refresh").addEventListener("click", () => run(async () => {
  await loadAccount();
  say("Up to date.");
}));

byId("consent").addEventListener("change", ({ target }) => {
  const consent = target.checked;
  run(() => setConsent(consent));
});

async function setConsent(consent) {
  try {
    await graphql(
      `mutation ($consent: Boolean!) {
        updateCustomerV2(input: { allow_remote_shopping_assistance: $consent }) { customer { email } }
      }`,
      { consent },
      token(),
    );
  } catch (refused) {
    byId("consent").checked = !consent;
    throw refused;
  }
  byId("consent").checked = consent;
  await loadOwn();
  say(consent ? "Our staff may assist you now." : "Nobody may assist you now.");
}

async function loadAssistance() {
  const { customerAssistance } = await graphql(
    "{ customerAssistance { id actor { admin_id reason } began_at expires_at ended_at end } }",
    {},
    token(),
  );
  const next = byId("consent").checked
    ? "If you need help, call our staff: they may sign in as you now."
    : "If you need help, switch remote shopping assistance on above, and call our staff.";
  fill("assistance", customerAssistance.map(assistanceItem), `Nobody has assisted you. ${next}`);
}

const ENDS = {
  EXPIRED: "the time was up",
  SIGNED_OUT: "they signed out",
  ENDED_BY_CUSTOMER: "you ended it",
  CONSENT_WITHDRAWN: "you no longer allowed it",
  WITHDRAWN: "it no longer held",
};

function assistanceItem({ id, actor, began_at: since, expires_at: until, ended_at: ended, end }) {
  const item = make("li", { className: "card" }, make("strong", {}, `By ${nameOf(actor)}`));
  item.dataset.state = ended ? "ended" : "open";
  if (ended) {
    item.append(make("p", { className: "quiet" }, "from ", timeOf(since), " to ", timeOf(ended), `: ${ENDS[end]}`));
    return item;
  }
  item.append(
    " ", make("span", { className: "tag good" }, "now"),
    make("p", { className: "quiet" }, "since ", timeOf(since), ", until ", timeOf(until), " at the latest"),
    make("button", {
      className: "plain", type: "button", ariaLabel: `End it: the assistance by ${nameOf(actor)}`,
      onclick: () => run(() => endAssistance(id)),
    }, "End it"),
  );
  return item;
}

async function endAssistance(id) {
  await graphql("mutation ($id: ID!) { endCustomerAssistance(id: $id) { result } }", { id }, token());
  await loadOwn();
  focusHeading(byId("own").querySelector("section"));
  say("The assistance has ended.");
}

async function loadDevices() {
  const { customerTokens } = await graphql(
    "{ customerTokens { id issued_at source user_agent current actor { admin_id reason } } }",
    {},
    token(),
  );
  byId("devices").replaceChildren(...customerTokens.map(deviceItem));

  const others = customerTokens.filter(({ actor }) => actor !== null).length;
  byId("assisted-note").hidden = others === 0;
  byId("assisted-note").textContent = others === 1
    ? "One of these is not you: our staff is signed in to assist you."
    : `${others} of these are not you: our staff is signed in to assist you.`;
}

function deviceItem(device) {
  const name = device.actor ? `Assistance by ${nameOf(device.actor)}` : deviceName(device.user_agent);
  const item = make("li", { className: "card" }, make("strong", {}, name));
  if (device.current) item.append(" ", make("span", { className: "tag good" }, "this device"));
  item.append(
    make("p", { className: "quiet" }, "signed in ", timeOf(device.issued_at)),
    make("details", { className: "quiet" },
      make("summary", {}, "Details"),
      make("p", {}, `Address: ${device.source ?? "unknown"}`),
      make("p", {}, `Calls itself: ${device.user_agent ?? "nothing"}`)),
    make("button", {
      className: "plain",
      type: "button",
      ariaLabel: `Sign out: ${name}`,
      onclick: () => run(() => (device.current ? signOut() : signOutDevice(device.id, name))),
    }, "Sign out"),
  );
  item.dataset.kind = device.actor ? "assistance" : "device";
  item.dataset.current = device.current;
  return item;
}

async function signOutDevice(id, name) {
  await graphql("mutation ($id: ID!) { revokeCustomerTokenById(id: $id) { result } }", { id }, token());
  await loadOwn();
  byId("devices-heading").focus();
  say(`Signed out: ${name}`);
}

// --- begin -----------------------------------------------------------------------------------------------------

function followResetLink() {
  const resetToken = resetTokenOfLink();
  if (resetToken === null) return false;
  say("");
  openReset("", resetToken);
  return true;
}

sayTimeZone();
addEventListener("hashchange", followResetLink);
if (!followResetLink()) {
  if (token()) run(openAccount);
  else show("sign-in");
}
