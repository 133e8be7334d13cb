// The admin's page: find a customer, sign in as them by a token or a one-time code, see who is assisted and what
// happened.

import { ask, attempt, byId, focusHeading, graphql, make, onSubmit, say, show, timeOf } from "/assets/common.js";

const KEY = "admin_token";
const CODE_SECONDS = 30;
const token = () => sessionStorage.getItem(KEY);
const get = (path) => ask(path, { token: token() });

const run = (action) => attempt(action, () => signedOut("You are no longer signed in. Please sign in again."));

function signedOut(text) {
  sessionStorage.removeItem(KEY);
  closeAssist();
  for (const id of ["found", "assisted", "audit"]) byId(id).replaceChildren();
  show("sign-in");
  say(text);
}

// --- sign in ---------------------------------------------------------------------------------------------------

onSubmit(byId("sign-in-form"), (form) => run(async () => {
  const answer = await ask("/rest/V1/integration/admin/token", {
    body: { username: form.get("username"), password: form.get("password") },
  });
  sessionStorage.setItem(KEY, answer);
  byId("password").value = "";
  // An action of its own: were this to fail, "try again" need not sign in a second time.
  await run(openDesk);
}));

byId("sign-out").addEventListener("click", () => run(async () => {
  await ask("/admin/api/token", { token: token(), method: "DELETE" });
  signedOut("You are signed out.");
}));

async function openDesk() {
  await loadDesk();
  show("desk");
}

async function loadDesk() {
  const [assistance, events] = await Promise.all([get("/admin/api/assistance"), get("/admin/api/audit?limit=50")]);
  fill("assisted", assistance.map(assistanceItem), "Nobody.");
  fill("audit", events.map(eventItem), "Nothing yet.");
}

function fill(id, items, otherwise) {
  byId(id).replaceChildren(...(items.length > 0 ? items : [make("li", { className: "quiet" }, otherwise)]));
}

byId("refresh").addEventListener("click", () => run(async () => {
  await loadDesk();
  say("Up to date.");
}));

// --- find a customer -------------------------------------------------------------------------------------------

onSubmit(byId("find-form"), (form) => run(async () => {
  closeAssist();
  const customers = await get(`/admin/api/customers?${new URLSearchParams({ email: form.get("email") })}`);
  fill("found", customers.map(customerItem), "No customer has such an e-mail address.");
  say(customers.length === 1 ? "1 customer" : `${customers.length} customers`);
}));

function customerItem(customer) {
  const { email, firstname, lastname, status, allows_assistance: allows } = customer;
  const item = make("li", { className: "card" }, make("strong", {}, email));
  if (status !== "active") item.append(" ", make("span", { className: "tag" }, status));
  item.append(make("p", { className: "quiet" },
    `${firstname} ${lastname}, ${allows ? "allows assistance" : "does not allow assistance"}`));
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
  }).catch(async (refused) => {
    // REST's 401 may also be a missing permission. If it was the session's end, this is refused in its stead.
    if (refused.endsSession) await get("/admin/api/assistance");
    throw Object.assign(refused, { endsSession: false });
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

const KINDS = { succeeded: "good", refused: "bad", failed: "bad" };
const words = (name) => name.replaceAll("_", " ");

function eventItem({ at, action, outcome, why, subject, actor, reason, source }) {
  const item = make("li", { className: "event" },
    timeOf(at),
    make("strong", {}, words(action)),
    make("span", { className: `tag ${KINDS[outcome] ?? ""}` }, why ? `${outcome}: ${words(why)}` : outcome));
  const facts = [
    ...Object.entries(subject ?? {}).map(([kind, id]) => `${kind} ${id}`),
    actor && `by admin user ${actor}`,
    source && `from ${source}`,
    reason && `“${reason}”`,
  ].filter(Boolean);
  if (facts.length > 0) item.append(make("span", { className: "quiet" }, facts.join(", ")));
  return item;
}

// --- begin -----------------------------------------------------------------------------------------------------

if (token()) run(openDesk);
else show("sign-in");
