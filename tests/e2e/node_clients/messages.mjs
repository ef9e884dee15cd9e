// What tests/e2e/test_typescript_sdk.py asks of the TypeScript SDK; prints one JSON object.
import Anthropic from "@anthropic-ai/sdk";

const [what, model, prompt] = process.argv.slice(2);
const client = new Anthropic({ maxRetries: 0 });
const request = { model, max_tokens: 500, messages: [{ role: "user", content: prompt }] };

async function answer() {
  switch (what) {
    case "create":
      return await client.messages.create(request);
    case "stream": {
      const stream = client.messages.stream(request);
      let pieces = 0;
      stream.on("text", () => pieces++);
      return { ...(await stream.finalMessage()), pieces };
    }
    case "models": {
      const names = [];
      for await (const found of client.models.list()) names.push(found.id);
      return { names };
    }
    case "count":
      return await client.messages.countTokens({ model, messages: request.messages });
  }
}

try {
  console.log(JSON.stringify(await answer()));
} catch (error) {
  console.log(
    JSON.stringify({ kind: error.constructor.name, status: error.status, message: error.message }),
  );
}
