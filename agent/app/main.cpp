// llmsnoop: what processes, containers and pods ask of large language models, taken out of their TLS by eBPF.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <functional>
#include <string>
#include <utility>

#include "agent/app/commands.h"
#include "agent/app/version.h"
#include "agent/base/heap.h"
#include "exporters/store/usage_query.h"

namespace {

using namespace llmsnoop::app;

constexpr const char* kFilterHelp = "keep records that match, such as: usage.input_tokens > 2048 && http.status >= 400";

// For CLI11: empty if the value will do.
std::string at_least_one(const std::string& value) {
    const bool zero = !value.empty() && value.find_first_not_of('0') == std::string::npos;
    return zero ? "1 or more is wanted" : "";
}

// The word that stands where a command is wanted; empty: a command was found, or no word is there.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
    const CLI::App* at = &app;
    for (int i = 1; i < argc; ++i) {
        std::string word = argv[i];
        if (word.empty() || word[0] == '-') return "";
        const auto below = at->get_subcommands([](const CLI::App*) { return true; });
        if (below.empty()) return "";
        const auto found =
            std::find_if(below.begin(), below.end(), [&](const CLI::App* one) { return one->check_name(word); });
        if (found == below.end()) return word;
        at = *found;
    }
    return "";
}

int parse_and_run(int argc, char** argv) {
    CLI::App app(
        "llmsnoop tells what processes, containers and pods ask of large language models, and what it costs,\n"
        "without touching the application.");
    app.set_version_flag("--version", std::string("llmsnoop ") + kVersion);
    app.require_subcommand(1);
    app.failure_message(CLI::FailureMessage::simple);
    std::function<int()> chosen;

    CommonOptions run;
    CLI::App* command = app.add_subcommand("run", "the daemon: traces, serves metrics, writes the audit log");
    add_selection(*command, run);
    add_config(*command, run, {});
    command->callback([&] { chosen = [&] { return run_command(run); }; });

    TraceOptions trace;
    command = app.add_subcommand("trace", "one line per finished exchange, live");
    command->add_option("FILTER", trace.filter, kFilterHelp)->option_text(" ");
    command->add_flag("--json", trace.json, "JSON lines instead of text");
    command->add_option("--count", trace.count, "stop after so many records")->type_name("N")->check(at_least_one);
    add_duration(*command, trace);
    add_selection(*command, trace);
    add_config(*command, trace,
               {"node", "capture", "containers", "kubernetes", "http", "policy", "tokens", "prices", "log"});
    command->callback([&] { chosen = [&] { return trace_command(trace); }; });

    RecordOptions record;
    command = app.add_subcommand("record",
                                 "keeps the captured bytes in a file, for `replay`: prompts and completions included");
    command->add_option("FILE", record.file, "the tape to write")->required()->option_text(" ");
    add_duration(*command, record);
    command->add_flag(
        "--keep-credentials", record.keep_credentials,
        "do not mask keys and tokens in what is kept. Without it they are masked "
        "where they can be read: not in HTTP/2 header blocks, compressed bodies and what WebSocket clients send");
    add_selection(*command, record);
    add_config(*command, record, {"node", "capture", "containers", "log"});
    command->callback([&] { chosen = [&] { return record_command(record); }; });

    ReplayOptions replay;
    command = app.add_subcommand(
        "replay", "runs tapes, pcap and pcapng files through the same pipeline, without a kernel or root");
    command
        ->add_option("FILE", replay.files,
                     "recorded traffic; - is standard input. A last argument that is no file is a FILTER")
        ->required()
        ->option_text(" ");
    command->add_option("--filter", replay.filter, kFilterHelp)->type_name("FILTER");
    command->add_flag("--json", replay.json, "JSON lines, also on a terminal");
    add_config(*command, replay, {"http", "policy", "tokens", "prices", "log"});
    command->callback([&] { chosen = [&] { return replay_command(replay); }; });

    DoctorOptions doctor;
    command = app.add_subcommand("doctor", "what this kernel and these privileges allow, which hooks are used and why");
    command->add_flag("--json", doctor.json, "JSON instead of text");
    add_selection(*command, doctor);
    add_config(*command, doctor, {"capture", "containers", "log"});
    command->callback([&] { chosen = [&] { return doctor_command(doctor); }; });

    UsageOptions usage;
    command = app.add_subcommand("usage", "tokens, cost and latency from the store, by pod, model, user, hour ...");
    command->add_option("FILTER", usage.filter, kFilterHelp)->option_text(" ");
    command
        ->add_option(
            "--by", usage.by,
            "what to put together, with commas: " + llmsnoop::exporters::store::dimension_names() + "; empty: one sum")
        ->type_name("DIMENSIONS")
        ->capture_default_str();
    command->add_option("--since", usage.since, "from then on: 2026-11-20T10:00:00Z, 2026-11-20, 24h, 7d, today")
        ->type_name("TIME");
    command->add_option("--until", usage.until, "before then")->type_name("TIME");
    command->add_option("--order", usage.order, "tokens, requests, errors, cost, latency or name")->type_name("ORDER");
    command->add_option("--limit", usage.limit, "so many rows; 0: all")->type_name("N");
    command->add_option("--format", usage.format, "table, json or csv")->type_name("FORMAT")->capture_default_str();
    add_store(*command, usage);
    add_config(*command, usage, {"store", "log"});
    command->callback([&] { chosen = [&] { return usage_command(usage); }; });

    ShowOptions show;
    command = app.add_subcommand("show", "one exchange in full, from the store");
    command->add_option("ID", show.id, "its id")->required()->option_text(" ");
    command->add_flag("--json", show.json, "the record as one line");
    add_store(*command, show);
    add_config(*command, show, {"store", "log"});
    command->callback([&] { chosen = [&] { return show_command(show); }; });

    std::vector<std::string> audit_files;
    command = app.add_subcommand("audit", "works on audit logs");
    command->require_subcommand(1);
    CLI::App* verify = command->add_subcommand("verify", "checks the hash chain and says where it breaks");
    verify->add_option("FILE", audit_files, "audit-*.jsonl files, in any order")->required()->option_text(" ");
    verify->callback([&] { chosen = [&] { return audit_verify_command(audit_files); }; });

    command = app.add_subcommand("schema", "prints the JSON Schema of a record");
    command->callback([&] { chosen = [] { return schema_command(); }; });

    CommonOptions config;
    command = app.add_subcommand("config", "prints the configuration in force, as a commented file");
    add_selection(*command, config);
    add_config(*command, config, {});
    command->callback([&] { chosen = [&] { return config_command(config); }; });

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        if (const std::string word = unknown_command(app, argc, argv); !word.empty() && problem.get_exit_code() != 0) {
            return report(llmsnoop::base::error("'" + word + "' is no command; `llmsnoop --help` lists them",
                                                llmsnoop::base::Error::Kind::usage));
        }
        return app.exit(problem) == 0 ? kSuccess : kUsage;
    }
    return flush_output(chosen());
}

}  // namespace

int main(int argc, char** argv) {
    llmsnoop::base::keep_freed_memory();
    try {
        return parse_and_run(argc, argv);
    } catch (const std::exception& problem) {
        return report(llmsnoop::base::error(problem.what()));
    }
}
