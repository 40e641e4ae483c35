// Sessions on the server: begun with the first picture, stopped with the last, however long the server is away.

const AGAIN_MS = 3000;

// Begin one; return what the server says of it, and `answeredAt`: when, by performance.now().
export async function beginSession(wanted) {
  const answer = await fetch("/api/start-recording", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ source: "browser", ...wanted }),
  }).catch(() => null);
  if (!answer) throw new Error("The server does not answer. Try again when it does.");
  const answeredAt = performance.now();
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401) throw new Error("You have been logged out: load this page anew to log in.");
  if (!answer.ok) throw new Error(body.error || body.detail || `The server answered ${answer.status}.`);
  return { ...body, answeredAt };
}

// Stop a session of a user; one that has ended by itself, or is unknown, is no trouble.
export async function stopSession(name, session) {
  for (;;) {
    const answer = await fetch("/api/stop-recording", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ user_name: name, session_id: session }),
    }).catch(() => null);
    if (answer && answer.status !== 401 && answer.status < 500) return;
    await new Promise((done) => setTimeout(done, AGAIN_MS));
  }
}

// Return whether somebody has stopped a session of a user; false while the server does not answer.
export async function wasStopped(name, session) {
  const path = `/api/recording-status/${encodeURIComponent(name)}?${new URLSearchParams({ session_id: session })}`;
  const answer = await fetch(path).catch(() => null);
  return answer?.ok ? Boolean((await answer.json().catch(() => ({}))).was_stopped) : false;
}
