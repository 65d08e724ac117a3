import ArgumentParser

/// The executable: one subscription to a Salesforce org drives every listener behind it.
@main
struct Millrace: AsyncParsableCommand {
    /// Of the program; also what the sandbox and the push protocol tell clients.
    static let versionNumber = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "millrace",
        abstract: "An open event gateway for Salesforce: one subscription to an org drives every listener behind it.",
        discussion: """
            Start here:
              millrace demo                         an org, a gateway and a page
              millrace sandbox --data ./org         an org on your laptop
              millrace run --config millrace.yaml   the gateway to your org
              millrace tail /data/ChangeEvents --connection ./org/connection.json
                                                    events as JSON lines
              millrace doctor --config millrace.yaml  is everything there that it needs?
              millrace sync status --config millrace.yaml
                                                    the objects that it replicates
              millrace bench ws://…/push --config millrace.yaml --publish 20/s
                                                    a gateway under load

            Every command explains itself with --help. Configuration keys: docs/configuration.md.
            """,
        version: versionNumber,
        subcommands: [
            DemoCommand.self, SandboxCommand.self, RunCommand.self, TailCommand.self, TokenCommand.self,
            BenchCommand.self, SyncCommand.self, DoctorCommand.self,
        ]
    )
}
