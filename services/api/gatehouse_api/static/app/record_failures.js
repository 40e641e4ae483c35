// Why a camera, a screen or a microphone cannot be had, and what to do about it.

const FIXES = {
  NotAllowedError: (what) => `The browser does not let this page use ${what}. Click the icon beside the address, allow it, and try again. `
    + "If it is allowed there, the operating system's privacy settings forbid it to the browser.",
  NotFoundError: (what) => `There is no ${what} on this device. Plug it in, or choose another source.`,
  NotReadableError: (what) => `Another program uses ${what}, or its driver failed. Close what else may use it, or plug it in again, and try again.`,
  OverconstrainedError: (what) => `${capital(what)} cannot give what was chosen. Choose a lower resolution, fewer frames, or another device.`,
  SecurityError: (what) => `This page may not use ${what} here. Open Gatehouse in a tab of its own.`,
  AbortError: (what) => `${capital(what)} stopped while it was being opened. Try again.`,
};

const INSECURE = "A browser gives cameras and screens only to pages that came safely. Open this page by https://, or on the server itself by http://localhost.";
export const UNSUPPORTED = "This browser cannot record. A current Chrome, Edge, Firefox or Safari can; a server's camera can be recorded with any.";

// Return in one or two sentences what is wrong and how it is mended; `what` is "the camera", "the screen", ...
export function explain(error, what) {
  if (error.name === "NotAllowedError" && what === "the screen") return "No screen was chosen. Press Start again, choose what is to be recorded, and press Share.";
  return FIXES[error.name]?.(what.replace(/^the (?=.*$)/, error.name === "NotFoundError" ? "" : "the ")) ?? `${capital(what)} cannot be used: ${error.message}`;
}

// Return why nothing can be recorded in this browser at all; empty: it can.
export function obstacle(scope = window) {
  if (!scope.isSecureContext) return INSECURE;
  if (!scope.navigator.mediaDevices?.getUserMedia || !scope.MediaRecorder) return UNSUPPORTED;
  return "";
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
