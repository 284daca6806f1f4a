// Validates Kubernetes objects (a JSON list on stdin) against the schemas that kubernetes-models carries, and prints a JSON list of
// complaints. Two ways, because each sees what the other does not: the JSON schemas know formats, patterns and required members but let
// unknown members pass; the types, by the TypeScript compiler's check of excess properties, know every member that exists.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";

const models = {
  "v1": "kubernetes-models/v1",
  "apps/v1": "kubernetes-models/apps/v1",
  "rbac.authorization.k8s.io/v1": "kubernetes-models/rbac.authorization.k8s.io/v1",
  "scheduling.k8s.io/v1": "kubernetes-models/scheduling.k8s.io/v1",
  "networking.k8s.io/v1": "kubernetes-models/networking.k8s.io/v1",
  "policy/v1": "kubernetes-models/policy/v1",
  "monitoring.coreos.com/v1": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
};

const objects = JSON.parse(readFileSync(0, "utf8"));
const complaints = [];
let source = "";
for (const [i, object] of objects.entries()) {
  const name = `${object.kind}/${object.metadata?.name}`;
  const module = models[object.apiVersion];
  const model = module && (await import(module))[object.kind];
  if (!model) {
    complaints.push(`${name}: no schema for ${object.apiVersion} ${object.kind}`);
    continue;
  }
  try {
    new model(object).validate();
  } catch (error) {
    complaints.push(`${name}: ${error.message}`);
  }
  source += `import type { I${object.kind} as T${i} } from "${module}";\n`;
  source += `export const o${i}: T${i} = ${JSON.stringify(object)};\n`;
}

const file = join(dirname(process.argv[1]), "objects.ts");
writeFileSync(file, source);
const program = ts.createProgram([file], {
  noEmit: true, strict: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
});
for (const found of ts.getPreEmitDiagnostics(program)) {
  complaints.push(ts.flattenDiagnosticMessageText(found.messageText, "\n"));
}
process.stdout.write(JSON.stringify(complaints));
