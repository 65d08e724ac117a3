/// Reads the key that clients' tokens are checked with: which keys may stand in the file depends on the algorithm.
struct TokenKeyReader {
    let section: Section
    let files: FileReader

    /// RFC 7518, section 3.2: a key of at least the size of the hash.
    private static let secretBytesMin = 32
    private static let sharedKeys = ["secret_file", "secret_env"]
    private static let publicKeys = ["public_key_file", "jwks_url"]

    /// Nil after a mistake, and where there is no algorithm to choose by.
    func key(for algorithm: Configuration.Tokens.Algorithm?) -> Configuration.Tokens.Key? {
        switch algorithm {
        case nil:
            // Not known which of them belong here: none is complained about.
            for name in Self.sharedKeys + Self.publicKeys { _ = section.node(name) }
            return nil
        case .hs256:
            refuse(Self.publicKeys, because: "is for RS256 and ES256, not for HS256")
            return sharedSecret()
        case .rs256?, .es256?:
            refuse(Self.sharedKeys, because: "is for HS256 only")
            return publicKey(for: algorithm)
        }
    }

    private func refuse(_ names: [String], because reason: String) {
        for name in names {
            _ = section.node(name)
            if section.has(name) { section.mistake(name, reason) }
        }
    }

    private func sharedSecret() -> Configuration.Tokens.Key? {
        guard let found = files.secret(section, file: "secret_file", environment: "secret_env") else { return nil }
        guard found.secret.reveal().utf8.count >= Self.secretBytesMin else {
            section.mistake(found.key, "holds a secret of less than \(Self.secretBytesMin) bytes")
            return nil
        }
        return .secret(found.secret)
    }

    private func publicKey(for algorithm: Configuration.Tokens.Algorithm?) -> Configuration.Tokens.Key? {
        switch (section.has("public_key_file"), section.has("jwks_url")) {
        case (true, true):
            section.mistake("jwks_url", "cannot stand beside \(section.fullPath("public_key_file")): choose one")
            _ = section.node("public_key_file")
            _ = section.node("jwks_url")
            return nil
        case (false, false):
            section.mistakes.add(
                "\(section.fullPath("public_key_file")) or \(section.fullPath("jwks_url")) is missing",
                line: section.line)
            return nil
        case (false, true):
            return section.url("jwks_url").map { .jwks(url: $0) }
        case (true, false):
            guard let pem = files.content(section, "public_key_file") else { return nil }
            if let complaint = KeyCheck.complaint(aboutPublicKey: pem, isRSA: algorithm == .rs256) {
                section.mistake("public_key_file", complaint)
                return nil
            }
            return .publicKey(pem: pem)
        }
    }
}
