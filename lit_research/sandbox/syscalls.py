"""The system calls that a sandboxed command may make, by name, with their numbers.

To the command, the kernel has no other calls (ENOSYS). Left out on purpose: keys (keyctl),
namespaces (unshare, setns, clone3), mounts, io_uring, userfaultfd, files and segments in memory
that no folder counts (memfd, System V, message queues), other processes' memory (ptrace,
process_vm), handles of files (open_by_handle_at), bpf, perf_event_open, modules, kexec, clocks, and
newer calls. Calls with a rule about their arguments are in ``seccomp``.
"""

from __future__ import annotations

# name, number on x86-64, number on AArch64; - where an architecture has no such call.
# One process that computes, with threads and files.
_PROOF = """
access 21 -; alarm 37 -; arch_prctl 158 -; brk 12 214; capget 125 90; chdir 80 49; chmod 90 -;
clock_getres 229 114; clock_gettime 228 113; clock_nanosleep 230 115; clone 56 220; close 3 57;
close_range 436 436; copy_file_range 326 285; creat 85 -; dup 32 23; dup2 33 -; dup3 292 24;
epoll_create 213 -; epoll_create1 291 20; epoll_ctl 233 21; epoll_pwait 281 22;
epoll_pwait2 441 441; epoll_wait 232 -; eventfd 284 -; eventfd2 290 19; execve 59 221;
execveat 322 281; exit 60 93; exit_group 231 94; faccessat 269 48; faccessat2 439 439;
fadvise64 221 223; fallocate 285 47; fchdir 81 50; fchmod 91 52; fchmodat 268 53; fcntl 72 25;
fdatasync 75 83; flock 73 32; fstat 5 80; fstatfs 138 44; fsync 74 82; ftruncate 77 46;
futex 202 98; get_mempolicy 239 236; get_robust_list 274 100; getcpu 309 168; getcwd 79 17;
getdents 78 -; getdents64 217 61; getegid 108 177; geteuid 107 175; getgid 104 176;
getgroups 115 158; getitimer 36 102; getpgid 121 155; getpgrp 111 -; getpid 39 172;
getppid 110 173; getpriority 140 141; getrandom 318 278; getresgid 120 150; getresuid 118 148;
getrlimit 97 163; getrusage 98 165; getsid 124 156; gettid 186 178; gettimeofday 96 169;
getuid 102 174; ioctl 16 29; link 86 -; linkat 265 37; lseek 8 62; lstat 6 -; madvise 28 233;
membarrier 324 283; mincore 27 232; mkdir 83 -; mkdirat 258 34; mlock 149 228; mmap 9 222;
mprotect 10 226; mremap 25 216; msync 26 227; munlock 150 229; munmap 11 215; nanosleep 35 101;
newfstatat 262 79; open 2 -; openat 257 56; openat2 437 437; pause 34 -; pipe 22 -;
pipe2 293 59; pkey_alloc 330 289; pkey_free 331 290; pkey_mprotect 329 288; poll 7 -;
ppoll 271 73; prctl 157 167; pread64 17 67; preadv 295 69; preadv2 327 286; prlimit64 302 261;
pselect6 270 72; pwrite64 18 68; pwritev 296 70; pwritev2 328 287; read 0 63; readahead 187 213;
readlink 89 -; readlinkat 267 78; readv 19 65; rename 82 -; renameat 264 38; renameat2 316 276;
restart_syscall 219 128; rmdir 84 -; rseq 334 293; rt_sigaction 13 134; rt_sigpending 127 136;
rt_sigprocmask 14 135; rt_sigreturn 15 139; rt_sigsuspend 130 133; rt_sigtimedwait 128 137;
sched_get_priority_max 146 125; sched_get_priority_min 147 126; sched_getaffinity 204 123;
sched_getparam 143 121; sched_getscheduler 145 120; sched_yield 24 124; select 23 -;
sendfile 40 71; set_robust_list 273 99; set_tid_address 218 96; setitimer 38 103;
sigaltstack 131 132; stat 4 -; statfs 137 43; statx 332 291; symlink 88 -; symlinkat 266 36;
sysinfo 99 179; tgkill 234 131; time 201 -; times 100 153; truncate 76 45; umask 95 166;
uname 63 160; unlink 87 -; unlinkat 263 35; utimensat 280 88; wait4 61 260; waitid 247 95;
write 1 64; writev 20 66
"""

# Programs that start others, shells, compilers, torch: processes, sockets, owners, timers.
_PYTHON = """
accept 43 202; accept4 288 242; bind 49 200; chown 92 -; connect 42 203; fchown 93 55;
fchownat 260 54; fgetxattr 193 10; flistxattr 196 13; fork 57 -; fremovexattr 199 16;
fsetxattr 190 7; futex_waitv 449 449; futimesat 261 -; getpeername 52 205; getsockname 51 204;
getsockopt 55 209; getxattr 191 8; inotify_add_watch 254 27; inotify_init 253 -;
inotify_init1 294 26; inotify_rm_watch 255 28; kill 62 129; lchown 94 -; lgetxattr 192 9;
listen 50 201; listxattr 194 11; llistxattr 195 12; lremovexattr 198 15; lsetxattr 189 6;
mbind 237 235; mknod 133 -; mknodat 259 33; mlock2 325 284; mlockall 151 230;
munlockall 152 231; pidfd_open 434 434; pidfd_send_signal 424 424; recvfrom 45 207;
recvmmsg 299 243; recvmsg 47 212; removexattr 197 14; rt_sigqueueinfo 129 138;
rt_tgsigqueueinfo 297 240; sched_getattr 315 275; sched_rr_get_interval 148 127;
sched_setaffinity 203 122; sendmmsg 307 269; sendmsg 46 211; sendto 44 206;
set_mempolicy 238 237; setfsgid 123 152; setfsuid 122 151; setgid 106 144; setgroups 116 159;
setpgid 109 154; setpriority 141 140; setregid 114 143; setresgid 119 149; setresuid 117 147;
setreuid 113 145; setrlimit 160 164; setsid 112 157; setsockopt 54 208; setuid 105 146;
setxattr 188 5; shutdown 48 210; signalfd 282 -; signalfd4 289 74; socket 41 198;
socketpair 53 199; splice 275 76; sync_file_range 277 84; tee 276 77; timer_create 222 107;
timer_delete 226 111; timer_getoverrun 225 109; timer_gettime 224 108; timer_settime 223 110;
timerfd_create 283 85; timerfd_gettime 287 87; timerfd_settime 286 86; tkill 200 130;
utime 132 -; utimes 235 -; vfork 58 -
"""


def _read(table: str, column: int) -> dict[str, int]:
    rows = [row.split() for row in table.replace("\n", " ").split(";")]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


_COLUMNS = {"x86_64": 1, "aarch64": 2}


def numbers(profile: str, machine: str) -> dict[str, int]:
    """Return the calls that a profile allows, with their numbers on a machine.

    Args:
        profile: ``proof`` or ``python``, which allows all that ``proof`` does and more.
        machine: architecture, as ``os.uname().machine``.

    Raises:
        KeyError: the numbers of this architecture are not known.
    """
    column = _COLUMNS[machine]
    proof_calls = _read(_PROOF, column)
    return proof_calls if profile == "proof" else proof_calls | _read(_PYTHON, column)
