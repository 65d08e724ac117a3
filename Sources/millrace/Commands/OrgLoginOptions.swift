import ArgumentParser
import Sandbox

/// Who may log in to an org, and how.
struct OrgLoginOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Connected apps beside the one that the org is founded with, a YAML file.", valueName: "file"))
    var apps: String?

    @Flag(help: "Allow the OAuth grant with username and password, which new orgs refuse.")
    var allowPasswordGrant = false

    /// Writes what was asked for into an org's configuration; a file with mistakes ends the command.
    func apply(to configuration: inout Sandbox.Configuration) throws {
        configuration.allowsPasswordGrant = allowPasswordGrant
        guard let apps else { return }
        configuration.connectedApps = try ConfigurationFile.reading { try ConnectedAppsFile.load(apps) }
    }
}
