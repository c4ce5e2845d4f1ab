/** Lint rules of this code base that oxlint does not have; .oxlintrc.json says where they hold. */

/** The innermost function around a node. */
const enclosingFunction = (node) => {
  let at = node.parent
  while (at && !/Function/u.test(at.type)) at = at.parent
  return at
}

const isMember = (node, object, property) =>
  node.type === "MemberExpression" &&
  node.object.type === "Identifier" &&
  node.object.name === object &&
  (node.computed ? node.property.value : node.property.name) === property

const ambientTime = {
  meta: { docs: { description: "Time comes from Clock, or a test could not move it." } },
  create: (context) => {
    const report = (node) =>
      context.report({ node, message: "Time comes from Effect's Clock (or DateTime.now), so that a test can move it." })
    return {
      NewExpression: (node) => {
        if (node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0) report(node)
      },
      CallExpression: (node) => {
        if (node.callee.type === "Identifier" && node.callee.name === "Date") report(node)
      },
      MemberExpression: (node) => {
        if (isMember(node, "Date", "now") || isMember(node, "performance", "now") || isMember(node, "process", "hrtime")) report(node)
      }
    }
  }
}

const ambientRandomness = {
  meta: { docs: { description: "Randomness and ids come from Effect, or a test could not repeat them." } },
  create: (context) => ({
    MemberExpression: (node) => {
      if (isMember(node, "Math", "random") || isMember(node, "crypto", "randomUUID") || isMember(node, "crypto", "getRandomValues")) {
        context.report({ node, message: "Randomness comes from Effect's Random, ids and secrets from SecureRandom (effect/crypto), so that a test can repeat them." })
      }
    }
  })
}

const ambientEnvironment = {
  meta: { docs: { description: "Only Config.ts reads the environment." } },
  create: (context) => ({
    MemberExpression: (node) => {
      if (isMember(node, "process", "env")) {
        context.report({ node, message: "Only src/Config.ts reads the environment: there it is checked and documented. Take the setting as an argument of the layer." })
      }
    },
    ImportSpecifier: (node) => {
      if (node.parent.source.value === "effect" && ["Config", "ConfigProvider"].includes(node.imported.name)) {
        context.report({ node, message: "Only src/Config.ts reads the environment: there it is checked and documented. Take the setting as an argument of the layer." })
      }
      if (/^(node:)?process$/u.test(node.parent.source.value) && node.imported.name === "env") {
        context.report({ node, message: "Only src/Config.ts reads the environment." })
      }
    }
  })
}

const tryInGenerator = {
  meta: { docs: { description: "Effects fail in their error channel; try does not see that." } },
  create: (context) => ({
    TryStatement: (node) => {
      if (enclosingFunction(node)?.generator) {
        context.report({ node, message: "A failing effect does not throw: use Effect.try for code that does, Effect.catch for the failure, Effect.ensuring for finally." })
      }
    }
  })
}

export default {
  meta: { name: "playhead" },
  rules: {
    "ambient-time": ambientTime,
    "ambient-randomness": ambientRandomness,
    "ambient-environment": ambientEnvironment,
    "try-in-generator": tryInGenerator
  }
}
