import { useEffect, useRef, useState } from "preact/hooks";
import { logIn, messageOf } from "./admin_calls.ts";

/** Asks for the operator's token. */
export function LoginForm({ onLogin }: { readonly onLogin: () => void }) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const send = async (event: Event) => {
    event.preventDefault();
    try {
      await logIn(field.current?.value ?? "");
      onLogin();
    } catch (error) {
      setTrouble(messageOf(error));
      field.current?.select();
    }
  };
  return (
    <main class="login">
      <h1>tunnel admin</h1>
      <p class="quiet">{location.host}</p>
      <form onSubmit={send}>
        <label for="token">Admin token</label>
        <input
          id="token"
          ref={field}
          type="password"
          autocomplete="current-password"
          aria-describedby="login-trouble"
          required
        />
        <button type="submit" class="main">Log in</button>
        <p id="login-trouble" class="trouble" role="alert">
          {trouble === null ? "" : `Not let in: ${trouble}.`}
        </p>
      </form>
      <p class="quiet">
        It is what the server was started with, <code>--admin-token</code>. The login lasts 8 hours.
      </p>
    </main>
  );
}
