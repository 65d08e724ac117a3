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

    @Option(
        help: ArgumentHelp(
            "Take algorithm, issuer, audience and (HS256) secret from this configuration.", valueName: "file"))
    var config: String?

    @Option(help: "HS256, RS256 or ES256.")
    var algorithm: String?

    @Option(help: ArgumentHelp("File with the HS256 secret (32 bytes or more).", valueName: "file"))
    var secretFile: String?

    @Option(help: ArgumentHelp("Environment variable with the HS256 secret.", valueName: "name"))
    var secretEnv: String?

    @Option(help: ArgumentHelp("File with the private key in PEM form (RS256, ES256).", valueName: "file"))
    var keyFile: String?

    @Option(help: "The claim iss.")
    var issuer: String?

    @Option(help: "The claim aud.")
    var audience: String?

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
        let signer = try makeSigner()
        let token = try signer.sign(
            subject: subject, id: id, allow: try allowances(), publish: publish,
            issuedAt: Int64(Date().timeIntervalSince1970), lifetime: try lifetime())
        print(token)
    }

    private func makeSigner() throws -> TokenSigner {
        let tokens = try config.map { try ConfigurationFile.load($0).push.tokens }
        guard let name = algorithm ?? tokens?.algorithm.rawValue ?? (keyFile == nil ? "HS256" : nil) else {
            throw ValidationError("Say which algorithm the key is for: --algorithm RS256 or ES256.")
        }
        guard let algorithm = TokenAlgorithm(rawValue: name.uppercased()) else {
            throw ValidationError("--algorithm is '\(name)'; it is HS256, RS256 or ES256.")
        }
        guard let issuer = issuer ?? tokens?.issuer, let audience = audience ?? tokens?.audience else {
            throw ValidationError("A token needs --issuer and --audience (or --config, which has both).")
        }
        do {
            return try TokenSigner(
                algorithm: algorithm, key: try signingKey(algorithm, tokens: tokens), issuer: issuer, audience: audience
            )
        } catch let error as TokenError {
            throw ValidationError(error.message)
        }
    }

    private func signingKey(_ algorithm: TokenAlgorithm, tokens: Configuration.Tokens?) throws -> String {
        if let file = algorithm == .hs256 ? secretFile : keyFile {
            guard let text = try? String(contentsOf: URL(fileURLWithPath: file), encoding: .utf8) else {
                throw ValidationError("\(file) cannot be read.")
            }
            // As the gateway reads it: a secret may begin or end with a space.
            return algorithm == .hs256 ? Secret(heldIn: text).reveal() : text
        }
        guard algorithm == .hs256 else {
            throw ValidationError(
                "\(algorithm.rawValue) needs --key-file, the private key (a gateway knows only the public one).")
        }
        if let secretEnv {
            guard let secret = ProcessInfo.processInfo.environment[secretEnv], !secret.isEmpty else {
                throw ValidationError("The environment variable \(secretEnv) is not set.")
            }
            return Secret(heldIn: secret).reveal()
        }
        if case .secret(let secret)? = tokens?.key { return secret.reveal() }
        throw ValidationError("HS256 needs the secret: --secret-file, --secret-env, or --config.")
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
        struct Entry: Decodable {
            var channel: String
            var `where`: String?
            var fields: [String]?
        }
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
            do {
                return try JSONDecoder().decode([Entry].self, from: Data(allow.utf8)).map {
                    .init(channel: $0.channel, where: $0.where, fields: $0.fields)
                }
            } catch {
                throw ValidationError(
                    "--allow is not a JSON array of {\"channel\":…,\"where\":…,\"fields\":[…]} (where and fields may be absent)."
                )
            }
        case (nil, nil):
            if !publish.isEmpty { return [] }
            throw ValidationError(
                "Say what the bearer may listen to: --channel, or --allow with a JSON array. No entry, no access.")
        case (.some, .some):
            throw ValidationError("Give --channel or --allow, not both.")
        }
    }
}
