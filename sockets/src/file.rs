use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

/// The file of a socket that is listened at. Dropping it removes the file, unless something else has taken the place since.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode. The open listener holds the inode, so that no other file gets its number.
    identity: Option<(u64, u64)>,
}

impl SocketFile {
    /// Listens at `path`, where a socket that nobody listens at may lie; one that somebody listens at, where it is to be
    /// taken over.
    pub(crate) fn bind(path: &Path, backlog: i32, takes_over: bool) -> io::Result<(Self, Socket)> {
        let address = SockAddr::unix(path)?;
        let socket = match bind(&address) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && !is_abstract(path) => {
                if takes_over && is_socket(path)? {
                    return take_over(path, backlog);
                }
                remove_stale(path, &address)?;
                bind(&address)?
            }
            bound => bound?,
        };
        let file = Self::at(path);
        socket.listen(backlog)?;
        Ok((file, socket))
    }

    fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), identity: fs::symlink_metadata(path).ok().map(identity) }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let there = fs::symlink_metadata(&self.path).ok().map(identity);
        if there.is_some() && there == self.identity {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether `path` is a name in Linux's abstract namespace, of which there is no file.
fn is_abstract(path: &Path) -> bool {
    path.as_os_str().as_bytes().first() == Some(&0)
}

/// Listens beside `path` and moves there in one step: there is a listener at every moment, and whoever connects gets the one
/// or the other.
fn take_over(path: &Path, backlog: i32) -> io::Result<(SocketFile, Socket)> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let socket = bind(&SockAddr::unix(&beside)?)?;
    let mut file = SocketFile::at(&beside);
    socket.listen(backlog)?;
    fs::rename(&beside, path)?;
    file.path = path.to_owned();
    Ok((file, socket))
}

fn is_socket(path: &Path) -> io::Result<bool> {
    Ok(fs::symlink_metadata(path)?.file_type().is_socket())
}

fn identity(file: Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

fn bind(address: &SockAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Removes the socket at `path` if nobody listens at it: a program that is killed leaves it there.
///
/// Two programs that start at one path in the same moment can both find it so. Then the later one has the path, as if the
/// other had been told to stop.
fn remove_stale(path: &Path, address: &SockAddr) -> io::Result<()> {
    if !is_socket(path)? {
        return Err(io::Error::new(
            ErrorKind::AlreadyExists,
            format!("{} exists and is no socket: remove it, or listen at another path", path.display()),
        ));
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // One that listens and is busy would keep us waiting.
    probe.set_nonblocking(true)?;
    match probe.connect(address) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Err(io::Error::new(
            ErrorKind::AddrInUse,
            format!("another program listens at {}: stop it, or listen at another path", path.display()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    fn listen(path: &Path) -> io::Result<(SocketFile, Socket)> {
        SocketFile::bind(path, 16, false)
    }

    #[test]
    fn a_socket_that_nobody_listens_at_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        // Closing it leaves the file, as the end of a process does.
        drop(UnixListener::bind(&path).unwrap());
        assert_eq!(UnixStream::connect(&path).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let _listening = listen(&path).unwrap();
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_socket_that_somebody_listens_at_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let (_file, listener) = listen(&path).unwrap();
        let error = listen(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().contains("another program listens"), "{error}");
        let _client = UnixStream::connect(&path).unwrap();
        // The probe was first.
        listener.accept().unwrap();
        listener.accept().unwrap();
    }

    #[test]
    fn a_file_that_is_no_socket_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        fs::write(&path, "precious").unwrap();
        let error = listen(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert!(error.to_string().contains("is no socket"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn the_file_goes_with_its_listener() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let bound = listen(&path).unwrap();
        assert!(path.exists());
        drop(bound);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_another_listener_has_put_in_place_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let first = listen(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let _second = listen(&path).unwrap();
        drop(first);
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_socket_is_taken_over_without_a_moment_when_nobody_listens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let (old_file, old) = listen(&path).unwrap();
        let _waits_for_the_old_one = UnixStream::connect(&path).unwrap();
        let (_file, new) = SocketFile::bind(&path, 16, true).unwrap();
        let _goes_to_the_new_one = UnixStream::connect(&path).unwrap();
        old.accept().unwrap();
        new.accept().unwrap();
        drop((old_file, old));
        UnixStream::connect(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
