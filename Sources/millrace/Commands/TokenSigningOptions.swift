import ArgumentParser
import Doors
import Foundation

/// With which key push tokens are signed, and in whose name.
struct TokenSigningOptions: ParsableArguments {
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

    func makeSigner() throws -> TokenSigner {
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

    /// An allow list as `--allow` has it. Throws `ValidationError`.
    static func allowances(_ json: String) throws -> [TokenSigner.Allowance] {
        struct Entry: Decodable {
            var channel: String
            var `where`: String?
            var fields: [String]?
        }
        do {
            return try JSONDecoder().decode([Entry].self, from: Data(json.utf8)).map {
                .init(channel: $0.channel, where: $0.where, fields: $0.fields)
            }
        } catch {
            throw ValidationError(
                "--allow is not a JSON array of {\"channel\":…,\"where\":…,\"fields\":[…]} (where and fields may be absent)."
            )
        }
    }
}
