// What the page says of what has happened to an account; text.js has all other words.

export const activity = {
  name: "Activity",
  lead: "What has happened to this account.",
  /** Each action of the audit log as a sentence; a test holds that none is missing. */
  actions: {
    "account:create": "The account was made",
    "account:login:success": "Somebody signed in",
    "account:login:failure": "Somebody tried to sign in with a wrong password",
    "account:login:throttled": "Somebody tried to sign in so often that no more tries were let through",
    "account:logout": "Somebody signed out",
    "account:session:end": "A session was ended",
    "account:password:change": "The password was changed",
    "account:password:wrong": "The current password was given wrong",
    "account:password:reset-request": "A link for a new password was asked for",
    "account:password:reset": "A new password was set by a mailed link",
    "account:email:verification-request": "A link to confirm the address was sent",
    "account:email:verify": "The address was confirmed",
    "account:plan:set": "The plan was set by the operator",
    "account:key:create": "An API key was made",
    "account:key:revoke": "An API key was revoked",
    "account:webhook:create": "A webhook was added",
    "account:webhook:change": "A webhook was changed",
    "account:webhook:rotate": "A webhook got a new secret",
    "account:webhook:delete": "A webhook was deleted",
    "account:webhook:disable": "A webhook was stopped, since its receiver took nothing",
  },
  byKey: (id) => `by the key ${id}`,
};
