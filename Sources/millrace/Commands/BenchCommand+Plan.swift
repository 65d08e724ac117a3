import ArgumentParser
import CPushLoop
import Doors
import Foundation
import NIOSSL
import Sandbox
import Upstream

/// From the arguments to what is done.
extension BenchCommand {
    /// Descriptors that a process needs beside its connections and the loops that hold them.
    private static let descriptorsBeside = 256

    func settings() throws -> BenchRun.Settings {
        let address = try address()
        let tokens = try tokens()
        let wanted = UInt64(connections + threads * LoadLoop.descriptorsPerLoop + Self.descriptorsBeside)
        let allowed = pushloop_descriptors_allow(wanted)
        guard allowed >= wanted else {
            throw ValidationError(
                "\(connections) connections need \(wanted) open files, and this process may have \(allowed): raise the limit "
                    + "(ulimit -n), or take fewer --connections.")
        }
        let host: String
        do {
            host = try PushTarget.find(address, timeout: connectTimeout)
        } catch {
            throw Self.unavailable(error.message)
        }
        let plan = BenchPlan(
            address: address, numericHost: host,
            sources: source.isEmpty ? BenchPlan.loopbackSources(host: host, connectionCount: connections) : source,
            connectionCount: connections,
            connectionsPerSecond: connectRate?.perSecond ?? Self.connectsPerSecondDefault,
            answerTimeout: connectTimeout,
            channels: channels, conditions: condition, form: form == .record ? form.rawValue : nil, tokens: tokens,
            grants: tokens.map(BenchPlan.grant), tls: address.isTLS ? try tlsContext() : nil)
        return BenchRun.Settings(plan: plan, threadCount: threads, duration: duration, settleTimeout: settle)
    }

    var channels: [String] { channel.isEmpty ? [Self.channelDefault] : channel }

    private func address() throws -> PushAddress {
        do {
            return try PushAddress(url)
        } catch {
            throw ValidationError(error.message)
        }
    }

    /// Given ones, or one for each connection.
    func tokens() throws -> [String] {
        var given = token
        if let tokenFile {
            guard let text = try? String(contentsOf: URL(fileURLWithPath: tokenFile), encoding: .utf8) else {
                throw ValidationError("\(tokenFile) cannot be read.")
            }
            given += text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
                .filter { !$0.isEmpty }
            guard !given.isEmpty else { throw ValidationError("\(tokenFile) holds no token.") }
        }
        for token in given where !token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) || token.isEmpty {
            throw ValidationError("A token holds a character that no token has.")
        }
        return given.isEmpty ? try signedTokens() : given
    }

    private func signedTokens() throws -> [String] {
        guard signing.config != nil || signing.secretFile != nil || signing.secretEnv != nil || signing.keyFile != nil
        else {
            throw ValidationError(
                "Say with which tokens to connect: --token, --token-file, or a key to sign them with (--config, --secret-file, "
                    + "--secret-env, --key-file).")
        }
        let signer = try signing.makeSigner()
        let issuedAt = Int64(Date().timeIntervalSince1970)
        // For the opening, the measurement and what comes after it, with time to spare.
        let opening = Double(connections) / (connectRate?.perSecond ?? Self.connectsPerSecondDefault)
        let lifetime = duration + settle + connectTimeout + .seconds(opening) + .seconds(3_600)
        return try (1...connections).map { number in
            let allowances =
                try allow.map {
                    try TokenSigningOptions.allowances(
                        $0.replacingOccurrences(of: BenchPlan.numberMark, with: "\(number)"))
                } ?? channels.map { TokenSigner.Allowance(channel: $0) }
            return try signer.sign(
                subject: "\(subject)-\(number)", allow: allowances, issuedAt: issuedAt, lifetime: lifetime)
        }
    }

    private func tlsContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let caFile {
            if let complaint = OrgConnection.complaint(aboutCertificatesIn: caFile) {
                throw ValidationError("--ca-file \(caFile) \(complaint).")
            }
            configuration.trustRoots = .file(caFile)
        }
        return try NIOSSLContext(configuration: configuration)
    }

    func publishing() throws -> BenchOrg.Publishing? {
        guard let publish else { return nil }
        var fields: [String: FieldLiteral] = [:]
        if let publishFields {
            guard let read = try? JSONDecoder().decode([String: FieldLiteral].self, from: Data(publishFields.utf8))
            else {
                throw ValidationError(
                    "--publish-fields is not a JSON object of fields, such as {\"ContactId\": \"003xx000004TmiQAAS\"}.")
            }
            fields = read
        }
        return BenchOrg.Publishing(perSecond: publish.perSecond, fields: fields, login: try login())
    }

    private func login() throws -> BenchOrg.Login {
        if let org, let sessionEnv {
            guard let session = ProcessInfo.processInfo.environment[sessionEnv], !session.isEmpty else {
                throw ValidationError("The environment variable \(sessionEnv) is not set.")
            }
            if let complaint = WebAddress.complaint(about: org) { throw ValidationError("--org \(complaint).") }
            return .session(RESTSession(instanceURL: org, accessToken: session))
        }
        if let connection { return .connection(try OrgConnection(fromFile: connection)) }
        guard let config = signing.config else { preconditionFailure("validate() asks for an org") }
        return .connection(OrgConnection(try ConfigurationFile.load(config).org))
    }
}

extension OrgConnection {
    /// The org of a sandbox's connection.json. Throws `ValidationError` for another file.
    init(fromFile path: String) throws {
        do {
            try self.init(JSONDecoder().decode(Connection.self, from: Data(contentsOf: URL(fileURLWithPath: path))))
        } catch {
            throw ValidationError("\(path) is not the connection.json of a sandbox: \(error.localizedDescription)")
        }
    }
}
