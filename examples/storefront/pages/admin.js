// The admin's page: sign in with a second factor, find a customer, sign in as them by a token or a one-time code, see
// who is assisted and what happened.

import {
  Refused, ask, attempt, byId, exactTimeOf, fill, focusHeading, graphql, make, onSubmit, say, sayTimeZone, show, timeOf,
} from "/assets/common.js";
import { withProof } from "/assets/challenge.js";

const KEY = "admin_token";
const CODE_SECONDS = 30;
const token = () => sessionStorage.getItem(KEY);
const get = (path) => ask(path, { token: token() });

const post = (path, body = {}) => ask(path, { token: token(), body });

const run = (action) => attempt(
  action,
  () => signedOut("You are no longer signed in. Please sign in again."),
  askForStepUp,
);

function signedOut(text) {
  sessionStorage.removeItem(KEY);
  closeAssist();
  byId("step-up").close();
  for (const id of ["found", "assisted", "audit", "audit-verified"]) byId(id).replaceChildren();
  for (const id of ["sign-in-form", "change-form", "audit-form"]) byId(id).reset();
  byId("code-row").hidden = true;
  show("sign-in");
  say(text);
}

// --- sign in ---------------------------------------------------------------------------------------------------

onSubmit(byId("sign-in-form"), (form) => run(async () => {
  const [username, otp] = ["username", "otp"].map((name) => form.get(name).trim());
  const password = form.get("password");
  const answer = await withProof("user_login", username, (proof) => (otp
    ? ask("/rest/V1/tfa/provider/google/authenticate", { proof, body: { username, password, otp } })
    : byPassword({ username, password }, proof)));
  if (answer === null) return;
  sessionStorage.setItem(KEY, answer);
  for (const id of ["password", "otp"]) byId(id).value = "";
  byId("code-row").hidden = true;
  // An action of its own: were this to fail, "try again" need not sign in a second time.
  await run(openDesk);
}));

// The token; or null, where a code is needed too.
async function byPassword(body, proof) {
  try {
    return await ask("/rest/V1/integration/admin/token", { proof, body });
  } catch (refused) {
    if (!(refused instanceof Refused) || !refused.parameters.active_providers?.length) throw refused;
    byId("code-row").hidden = false;
    byId("otp").focus();
    say("Please enter the code that your authenticator shows.");
    return null;
  }
}

byId("sign-out").addEventListener("click", () => run(async () => {
  await ask("/admin/api/token", { token: token(), method: "DELETE" });
  signedOut("You are signed out.");
}));

async function openDesk() {
  await loadDesk();
  show("desk");
}

let permissions = [];
const permitted = (permission) => permissions.includes(permission);

async function loadDesk() {
  const me = await get("/admin/api/me");
  ({ permissions } = me);
  // For password managers.
  byId("change-username").value = me.username;
  byId("customers").hidden = !permitted("login");
  for (const id of ["ledger", "trail"]) byId(id).hidden = !permitted("assistance_log");
  byId("nothing-permitted").hidden = permissions.length > 0;
  const log = permitted("assistance_log") ? [loadAssistance(), loadAudit()] : [];
  await Promise.all([loadFactor(), ...log]);
}

async function loadAssistance() {
  fill("assisted", (await get("/admin/api/assistance")).map(assistanceItem), permitted("login")
    ? "Nobody is assisted now. To assist a customer, find the customer above."
    : "Nobody is assisted now.");
}

async function loadAudit() {
  const wanted = [...new FormData(byId("audit-form"))].filter(([, value]) => value.trim() !== "");
  const events = await get(`/admin/api/audit?${new URLSearchParams([["limit", "50"], ...wanted])}`);
  fill("audit", events.map(eventItem), wanted.length > 0
    ? "No event is like this. Empty a field above and show again."
    : "Nothing has happened yet.");
}

byId("refresh").addEventListener("click", () => run(async () => {
  await loadDesk();
  say("Up to date.");
}));

// --- the authenticator -----------------------------------------------------------------------------------------

let enrolling = null;

async function openEnrolment(tfaToken) {
  const { qr_code_base64: png, secret_code: secret } = await ask("/rest/V1/tfa/provider/google/configure", {
    body: { tfaToken },
  });
  enrolling = tfaToken;
  byId("enrol-qr").src = `data:image/png;base64,${png}`;
  byId("enrol-secret").textContent = secret;
  show("enrol");
}

onSubmit(byId("enrol-form"), (form) => run(async () => {
  const { recovery_codes: codes } = await ask("/rest/V1/tfa/me/activate", {
    body: { tfaToken: enrolling, otp: form.get("otp").trim() },
  });
  enrolling = null;
  byId("enrol-form").reset();
  byId("enrol-qr").removeAttribute("src");
  byId("enrol-secret").textContent = "";
  // All earlier tokens have ended.
  sessionStorage.removeItem(KEY);
  showRecoveryCodes(codes);
  say("Your authenticator is set up.");
}));

function showRecoveryCodes(codes) {
  byId("recovery-codes").replaceChildren(...codes.map((code) => make("li", {}, code.match(/.{8}/g).join("-"))));
  show("recovery");
}

byId("recovery-done").addEventListener("click", () => {
  byId("recovery-codes").replaceChildren();
  if (token()) run(openDesk);
  else signedOut("Sign in with a new code of your authenticator.");
});

async function loadFactor() {
  const factor = await get("/rest/V1/tfa/me");
  byId("factor").replaceChildren(...(factor
    ? ["Your authenticator was set up ", timeOf(factor.activated_at), `. Recovery codes left: ${factor.recovery_codes_left}.`]
    : ["You have no authenticator: your password alone signs you in."]));
  byId("new-codes").hidden = !factor;
  byId("new-factor").textContent = factor ? "Set up another authenticator" : "Set up an authenticator";
}

byId("new-codes").addEventListener("click", () => run(async () => {
  const { recovery_codes: codes } = await post("/rest/V1/tfa/me/recovery-codes");
  showRecoveryCodes(codes);
  say("The codes before these are no good any more.");
}));

byId("new-factor").addEventListener("click", () => run(async () => {
  const { tfa_token: tfaToken } = await post("/rest/V1/tfa/me/enrolment");
  await openEnrolment(tfaToken);
}));

onSubmit(byId("change-form"), (form) => run(async () => {
  await ask("/rest/V1/admins/me/password", {
    token: token(), method: "PUT", body: { currentPassword: form.get("current"), newPassword: form.get("password") },
  });
  byId("change-form").reset();
  say("Your password is changed, and you are signed out everywhere else.");
}));

// --- a locked account ------------------------------------------------------------------------------------------

let unlocking = null;

function openUnlock(unlockToken) {
  say("");
  unlocking = unlockToken;
  show("unlock");
}

onSubmit(byId("unlock-form"), (form) => run(async () => {
  await ask("/admin/api/unlock", { body: { username: form.get("username"), token: unlocking } });
  unlocking = null;
  byId("unlock-form").reset();
  await openHome();
  say("Your account is unlocked.");
}));

// --- step-up ---------------------------------------------------------------------------------------------------

let afterStepUp = null;

// What was refused is asked for again, once a code has made the sign-in fresh.
function askForStepUp(again) {
  afterStepUp = again;
  byId("step-up-form").reset();
  byId("step-up-message").textContent = "";
  byId("step-up").showModal();
}

byId("step-up-cancel").addEventListener("click", () => byId("step-up").close());

onSubmit(byId("step-up-form"), async (form) => {
  byId("step-up-message").textContent = "";
  try {
    const { token: fresh } = await post("/rest/V1/tfa/me/step-up", { otp: form.get("otp").trim() });
    sessionStorage.setItem(KEY, fresh);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    // There is no second factor to use: only a new sign-in is fresh.
    if (refused.status === 400) return signedOut("Please sign in again to do this.");
    if (refused.endsSession) return signedOut("You are no longer signed in. Please sign in again.");
    byId("step-up-message").textContent = refused.message;
    return;
  }
  byId("step-up").close();
  await afterStepUp();
});

// --- find a customer -------------------------------------------------------------------------------------------

onSubmit(byId("find-form"), (form) => run(async () => {
  closeAssist();
  const customers = await get(`/admin/api/customers?${new URLSearchParams({ email: form.get("email") })}`);
  fill("found", customers.map(customerItem), "No customer has such an e-mail address. Check the spelling, or find a shorter part of it.");
  say(customers.length === 1 ? "1 customer" : `${customers.length} customers`);
}));

function customerItem(customer) {
  const { email, firstname, lastname, status, allows_assistance: allows } = customer;
  const item = make("li", { className: "card" }, make("strong", {}, email));
  if (status !== "active") item.append(" ", make("span", { className: "tag" }, status));
  item.append(make("p", { className: "quiet" },
    `${firstname} ${lastname}, ${allows ? "allows assistance" : "does not allow assistance"}`));
  if (!allows && status === "active") {
    item.append(make("p", { className: "quiet" },
      "Ask the customer to sign in and to switch “Remote shopping assistance” on, then find them again."));
  }
  if (allows && status === "active") {
    item.append(make("button", {
      className: "plain", type: "button", ariaLabel: `Assist ${email}`, onclick: () => openAssist(customer),
    }, "Assist"));
  }
  return item;
}

// --- assist ----------------------------------------------------------------------------------------------------

let assisted = null;
let countdown = 0;

function openAssist(customer) {
  say("");
  dropCode();
  assisted = customer;
  byId("assist-heading").textContent = `Assist ${customer.email}`;
  byId("reason").value = "";
  byId("assist").hidden = false;
  focusHeading(byId("assist"));
}

function closeAssist() {
  dropCode();
  assisted = null;
  byId("assist").hidden = true;
}

byId("assist-close").addEventListener("click", () => {
  say("");
  closeAssist();
  byId("find-email").focus();
});

byId("login-as-customer").addEventListener("click", () => run(async () => {
  if (!byId("reason").reportValidity()) return;
  // Opened before anything is awaited: later a browser would take it for a pop-up nobody asked for.
  const tab = open("about:blank", "_blank");
  if (!tab) return say("Please allow this page to open a new tab.", { kind: "bad" });
  try {
    const { generateCustomerTokenAsAdmin } = await graphql(
      `mutation ($input: GenerateCustomerTokenAsAdminInput!) {
        generateCustomerTokenAsAdmin(input: $input) { customer_token }
      }`,
      { input: { customer_email: assisted.email, reason: byId("reason").value } },
      token(),
    );
    openShop(tab, generateCustomerTokenAsAdmin.customer_token);
  } catch (refused) {
    tab.close();
    throw refused;
  }
  await run(loadDesk);
  say("The shop is open in a new tab, signed in as the customer.");
}));

// The new tab is of our own origin and has a session storage of its own, which began as a copy of this one:
// the admin's token is taken out before the customer's goes in. No URL, no cookie, no message carries it.
function openShop(tab, customerToken) {
  tab.sessionStorage.clear();
  tab.sessionStorage.setItem("customer_token", customerToken);
  tab.opener = null;
  tab.location.replace("/");
}

byId("make-code").addEventListener("click", () => run(async () => {
  if (!byId("reason").reportValidity()) return;
  const { otp } = await ask(`/rest/V1/customer/${encodeURIComponent(assisted.id)}/otp`, {
    token: token(), body: { reason: byId("reason").value },
  });
  showCode(otp);
  await run(loadDesk);
}));

function showCode(otp) {
  dropCode();
  byId("code").textContent = otp;
  byId("code-otp").value = otp;
  byId("code-email").value = assisted.email;
  byId("hand-over").hidden = false;
  const end = Date.now() + CODE_SECONDS * 1000;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    byId("code-seconds").textContent = `${left} s`;
    byId("code-left").value = left;
    if (left > 0) return;
    dropCode();
    say("The one-time code has expired. Make another.", { kind: "bad" });
    byId("make-code").focus();
  };
  tick();
  countdown = setInterval(tick, 500);
  focusHeading(byId("hand-over"));
}

function dropCode() {
  clearInterval(countdown);
  byId("hand-over").hidden = true;
  for (const id of ["code-otp", "code-email"]) byId(id).value = "";
  byId("code").textContent = "";
}

// The browser posts the form by itself, to a new tab that knows nothing of this one; the code works once.
byId("hand-over").addEventListener("submit", () => setTimeout(() => {
  dropCode();
  say("The code is handed over. Confirm it in the new tab.");
  byId("make-code").focus();
}));

// --- what happens ----------------------------------------------------------------------------------------------

function assistanceItem({ email, admin, reason, since, expires_at: until, source }) {
  const from = source ? `, from ${source}` : "";
  return make("li", { className: "card" },
    make("strong", {}, email),
    make("p", {}, `by ${admin}${reason ? `: ${reason}` : ""}`),
    make("p", { className: "quiet" }, "since ", timeOf(since), " until ", timeOf(until), from));
}

onSubmit(byId("audit-form"), () => run(loadAudit));

byId("audit-verify").addEventListener("click", () => run(async () => {
  byId("audit-verified").textContent = verdict(await get("/admin/api/audit/verification"));
}));

function verdict(found) {
  if (found === null) return "This trail is in memory, and not signed.";
  const { records, signed, is_clean: isClean, findings } = found;
  const counted = `${records} records, ${signed} of them signed`;
  return isClean ? `Nothing is wrong: ${counted}.` : `Something is wrong (${counted}): ${findings.join("; ")}.`;
}

const KINDS = { succeeded: "good", refused: "bad", failed: "bad" };
const words = (name) => name.replaceAll("_", " ");

// As the filter calls them.
const ACTIONS = new Map([...byId("audit-action").options].map(({ value, text }) => [value, text]));

function eventItem(event) {
  const { at, action, outcome, why, subject, actor, reason, source } = event;
  const { subject_name: subjectName, actor_name: actorName } = event;
  const item = make("li", { className: "event" },
    exactTimeOf(at),
    make("strong", {}, ACTIONS.get(action) ?? words(action)),
    make("span", { className: `tag ${KINDS[outcome] ?? ""}` }, why ? `${outcome}: ${words(why)}` : outcome));
  const facts = [
    // An account that is gone since has its id alone.
    ...Object.entries(subject ?? {}).map(([kind, id]) => subjectName ?? `${kind} ${id}`),
    actor && `by ${actorName ?? `admin ${actor}`}`,
    source && `from ${source}`,
    reason && `“${reason}”`,
  ].filter(Boolean);
  if (facts.length > 0) item.append(make("span", { className: "quiet" }, facts.join(", ")));
  return item;
}

// --- begin -----------------------------------------------------------------------------------------------------

// A mailed link carries its token in the fragment, which no server sees; it leaves the address bar and the history at
// once.
function followLink() {
  const mailed = new URLSearchParams(location.hash.slice(1));
  const [enrolment, unlock] = ["enrol", "unlock"].map((name) => mailed.get(name));
  if (enrolment === null && unlock === null) return false;
  history.replaceState(null, "", location.pathname);
  if (unlock === null) followEnrolmentLink(enrolment);
  else openUnlock(unlock);
  return true;
}

function followEnrolmentLink(mailed) {
  run(() => openEnrolment(mailed)).then(() => {
    if (!enrolling) show("sign-in");
  });
}

async function openHome() {
  if (token()) await run(openDesk);
  else show("sign-in");
}

sayTimeZone();
addEventListener("hashchange", followLink);
if (!followLink()) openHome();
