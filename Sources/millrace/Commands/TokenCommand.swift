import ArgumentParser
import Doors
import Foundation

/// `millrace token`: signs a push token for development.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Signs a push token for development: who may listen to what.",
        discussion: """
            A push token says which channels its bearer may subscribe to, which records (--where) and which fields \
            (--fields). In production your own backend signs it, or Apex does with a certificate of the org; this command \
            is for trying things out. The token is printed on standard output, alone.

            Where the gateway's configuration names the key (push.tokens), --config is all that is needed for HS256.

            Examples:
              millrace token --config millrace.yaml --channel /data/CaseChangeEvent \\
                --where "ContactId = '003xx000004TmiQAAS'" --fields Status,Subject
              millrace token --secret-file secret.txt --issuer portal \\
                --audience millrace --subject ada \\
                --allow '[{"channel":"/data/CaseChangeEvent"}]'
            """
    )

    @OptionGroup var signing: TokenSigningOptions

    @Option(help: "The claim sub: whom the token is for.")
    var subject: String = "developer"

    @Option(help: "The claim jti, by which this one token can be revoked.")
    var id: String?

    @Option(help: "A channel the bearer may subscribe to: /data/CaseChangeEvent.")
    var channel: String?

    @Option(name: .customLong("where"), help: "A SOQL condition that limits the records, with --channel.")
    var condition: String?

    @Option(help: "The fields that may ever be sent, separated by commas, with --channel.")
    var fields: String?

    @Option(help: "The whole allow list as JSON, instead of --channel.")
    var allow: String?

    @Option(
        help: ArgumentHelp(
            "A platform event the bearer may publish to the org through the gateway, by topic; repeat for more.",
            valueName: "topic"))
    var publish: [String] = []

    @Option(help: "How long the token is good for: 90s, 15m, 8h, 30d.")
    var expiresIn: String = "1h"

    func run() async throws {
        let signer = try signing.makeSigner()
        let token = try signer.sign(
            subject: subject, id: id, allow: try allowances(), publish: publish,
            issuedAt: Int64(Date().timeIntervalSince1970), lifetime: try lifetime())
        print(token)
    }

    private func lifetime() throws -> Duration {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = expiresIn.last, let seconds = units[unit], let count = Int(expiresIn.dropLast()), count > 0,
            count <= 366 * 86_400 / seconds
        else {
            throw ValidationError(
                "--expires-in is '\(expiresIn)'; write a number and a unit, such as 15m, 8h or 30d (366d at most).")
        }
        return .seconds(count * seconds)
    }

    private func allowances() throws -> [TokenSigner.Allowance] {
        switch (channel, allow) {
        case (let channel?, nil):
            return [
                .init(
                    channel: channel, where: condition,
                    fields: fields?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
            ]
        case (nil, let allow?):
            guard condition == nil, fields == nil else {
                throw ValidationError(
                    "--where and --fields belong to --channel; inside --allow they are members of an entry.")
            }
            return try TokenSigningOptions.allowances(allow)
        case (nil, nil):
            if !publish.isEmpty { return [] }
            throw ValidationError(
                "Say what the bearer may listen to: --channel, or --allow with a JSON array. No entry, no access.")
        case (.some, .some):
            throw ValidationError("Give --channel or --allow, not both.")
        }
    }
}
